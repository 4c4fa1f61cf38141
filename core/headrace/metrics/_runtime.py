"""What the operator tells, counted: the runtime's own metrics of one agent in one worker.

They count what this worker did. A call whose outcome a replay took from the journal is counted as
``reused``, and nothing of its time or its tokens again.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from headrace.calls import kind_of
from headrace.metrics._table import TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.chat import Usage
    from headrace.metrics._own import Measured
    from headrace.metrics._series import Cell, Family, HistogramCell, Kind, Metrics
    from headrace.operator import Run
    from headrace.operator._action_task import ActionTask

__all__ = ["RuntimeMetrics"]

_LOG = logging.getLogger("headrace.metrics")
_COUNTED_AS = {"counter": "_total", "meter": "_total"}


class RuntimeMetrics:
    """Takes what the operator tells.

    Args:
        metrics: Where it is counted.
        agent: The agent's name: the label of all that is no sub-agent's or member's.
        currency: What costs are told in.
    """

    __slots__ = ("_agent", "_currency", "_families", "_refused", "_seconds", "_started", "metrics")

    def __init__(self, metrics: Metrics, agent: str, currency: str) -> None:
        self.metrics = metrics
        self._currency = currency
        self._agent = agent
        self._families: dict[str, Family] = {
            name.removeprefix("headrace_"): spec.of(metrics) for name, spec in TABLE.items()
        }
        # Of every run; so they are looked up once.
        self._started: Cell = self._families["runs_started_total"].cell(agent)
        self._seconds: HistogramCell = self._families["run_seconds"].buckets(agent)
        self._refused: set[str] = set()

    def watch(self, **gauges: Callable[[], float]) -> None:
        """Asks for gauges when they are read.

        Args:
            **gauges: By the name in the table, without ``headrace_``.
        """
        for name, function in gauges.items():
            self._families[name].cell(self._agent).function = function

    def effect(self, function: str, what: str, seconds: float) -> None:
        """Something became of an effect, so many seconds after it was asked for."""
        if what == "retried":  # a try that failed was told already
            return
        self._families["effects_total"].cell(self._agent, function, what).number += 1
        if what == "finished":
            self._families["effect_seconds"].buckets(self._agent, function).observe(seconds)

    # ------------------------------------------------------------ runs
    def run_started(self) -> None:
        """A run begins."""
        self._started.number += 1

    def run_ended(self, run: Run, seconds: float) -> None:
        """A run has an outcome; what its actions measured counts where it finished."""
        outcome = run.outcome
        assert outcome is not None  # noqa: S101 - the operator settles every run
        self._families["runs_total"].cell(self._agent, outcome.status).number += 1
        self._seconds.observe(seconds)
        if outcome.outputs:
            self._families["outputs_total"].cell(self._agent).number += len(outcome.outputs)
        if outcome.measured:
            self.own(outcome.measured)

    def event_sent(self, task: ActionTask, event: str) -> None:
        """An action has sent an event."""
        self._families["events_total"].cell(self._of(task), event).number += 1

    # ------------------------------------------------------------ actions and calls
    def action_ended(self, task: ActionTask, what: str, seconds: float) -> None:
        """An attempt of an action has ended."""
        agent, action = self._of(task), task.action.name
        self._families["actions_total"].cell(agent, action, what).number += 1
        self._families["action_seconds"].buckets(agent, action).observe(seconds)

    def action_retried(self, task: ActionTask, wait: float) -> None:
        """An action is tried again after a wait."""
        agent, action = self._of(task), task.action.name
        self._families["action_retries_total"].cell(agent, action).number += 1
        waited = self._families["action_retry_wait_seconds_total"]
        waited.cell(agent, action).number += wait

    def call_ended(
        self,
        task: ActionTask,
        name: str,
        what: str,
        seconds: float | None,
        error: Exception | None = None,
    ) -> None:
        """A durable call has an outcome; ``seconds`` is ``None`` where it was not made."""
        kind = kind_of(name)
        group = {"chat": "model_calls", "tool": "tool_calls"}.get(kind, "calls")
        called = name if group == "calls" else name.partition(":")[2]
        agent, action = self._of(task), task.action.name
        self._families[f"{group}_total"].cell(agent, action, called, what).number += 1
        if seconds is not None:
            timed = self._families[f"{group[:-1]}_seconds"]
            failed = "" if error is None else type(error).__name__
            of = (failed,) if group == "model_calls" else ()
            timed.buckets(agent, action, called, *of).observe(seconds)

    def tool_refused(self, task: ActionTask) -> None:
        """A tool was not called: a model may wish for any name, so none is kept."""
        refused = self._families["tool_calls_total"]
        refused.cell(self._of(task), task.action.name, "", "refused").number += 1

    def used(self, task: ActionTask, model: str, usage: Usage) -> None:
        """A model has answered, and was not just replayed."""
        agent, action = self._of(task), task.action.name
        tokens = self._families["model_tokens_total"]
        for kind, count in (
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cached", usage.cached_tokens),
            ("cache_write", usage.cache_write_tokens),
            ("reasoning", usage.reasoning_tokens),
        ):
            if count:
                tokens.cell(agent, action, model, kind).number += count
        spread = self._families["model_call_tokens"]
        spread.buckets(agent, action, model, "input").observe(usage.input_tokens)
        spread.buckets(agent, action, model, "output").observe(usage.output_tokens)
        if usage.cost:
            cost = self._families["model_cost_total"].cell(agent, action, model, self._currency)
            cost.number += float(usage.cost)
        if usage.unpriced_tokens:
            unpriced = self._families["model_unpriced_tokens_total"].cell(agent, action, model)
            unpriced.number += usage.unpriced_tokens

    def budget(self, member: str, limit: str, what: str) -> None:
        """The models of a run, or of a sub-agent's call, have come near a limit or to it."""
        self._families["budget_limits_total"].cell(member or self._agent, limit, what).number += 1

    def told(
        self, task: ActionTask, kind: str, what: str, name: str, data: Mapping[str, Any]
    ) -> None:
        """A resource has told something during a call (``headrace.records.tell``)."""
        agent = self._of(task)
        if kind == "skill":
            self._families["skill_uses_total"].cell(agent, name, what).number += 1
        elif what == "retried" and "code" in data:
            code = str(data["code"])
            self._families["model_retries_total"].cell(agent, name, code).number += 1
            waited = self._families["model_retry_wait_seconds_total"].cell(agent, name)
            waited.number += float(data.get("wait", 0))
        elif what == "fell back" and "code" in data:
            fallbacks = self._families["model_fallbacks_total"]
            fallbacks.cell(agent, name, str(data["code"])).number += 1
        elif what == "waited" and "seconds" in data:
            waited = self._families["model_limit_wait_seconds_total"].cell(agent, name)
            waited.number += float(data["seconds"])

    # ------------------------------------------------------------ authors' own
    def own(self, measured: Measured) -> None:
        """Counts what the actions of a run that finished have measured."""
        for (kind, name, labels, bounds), state in measured.items():
            ending = _COUNTED_AS.get(kind, "")
            shown = name if name.endswith(ending) else f"{name}{ending}"
            names = ("agent", *(label for label, _ in labels))
            values = (self._agent, *(value for _, value in labels))
            try:
                family = self.metrics.family(shown, cast("Kind", kind), names, bounds=bounds)
            except ValueError as error:
                # Which of two uses came first is chance, so it must not fail a run.
                if shown not in self._refused:
                    self._refused.add(shown)
                    _LOG.warning("what the agent %s measured is dropped: %s", self._agent, error)
                continue
            if kind == "histogram":
                family.buckets(*values).add(*state)
                continue
            cell = family.cell(*values)
            if kind == "gauge":
                at, added = state
                cell.number = (cell.number if at is None else at) + added
            else:
                cell.number += state[0]

    def _of(self, task: ActionTask) -> str:
        return task.action.spec.member or self._agent
