"""What looks on at a worker of a Flink job: event log, metrics, samples, and what exports them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.eventlog import about_of, models_of, open_log
from headrace.flink._metrics import metrics_of
from headrace.metrics import Metrics, open_export
from headrace.samples import open_samples

if TYPE_CHECKING:
    from headrace.flink._pyflink import RuntimeContext
    from headrace.plan import AgentPlan

__all__ = ["Watching"]

_FLUSHING = 10.0
"""Seconds that the event log and its sinks are given at the end of a bounded input."""


class Watching:
    """All that is told of what an agent does in one worker.

    Args:
        plan: The agent.
        context: Flink's.
    """

    def __init__(self, plan: AgentPlan, context: RuntimeContext) -> None:
        task = context.get_task_name().partition(" -> ")[0]  # of a chain, we are first
        subtask = context.get_index_of_this_subtask()
        attempt = context.get_attempt_number()
        self.log = open_log(plan, task=task, subtask=subtask, attempt=attempt)
        self._flink = metrics_of(plan, context)
        config = plan.config.metrics
        self.metrics: Metrics | None = None
        """What is counted, if anybody asks."""
        if self._flink is not None:
            self.metrics = self._flink.registry
        elif config.export is not None:
            self.metrics = Metrics(series=config.series)
        self._export = None
        if self.metrics is not None:
            about = about_of(plan, task, subtask, attempt)
            self._export = open_export(plan, self.metrics, about, models_of(plan))
        self.samples = open_samples(plan)

    def give(self, *, at_once: bool = False) -> None:
        """Hands Flink its metrics, where it is time; in the operator's thread, within a bundle."""
        if self._flink is not None:
            self._flink.give(at_once=at_once)

    def flush(self) -> None:
        """Has all passed on, at the end of a bounded input: the last moment that Flink waits for.

        When it closes a function it removes the worker's packages meanwhile.
        """
        if self.log is not None:
            self.log.flush(_FLUSHING)
        if self._export is not None:
            self._export.flush()

    def close(self) -> None:
        """Writes what is left."""
        for one in (self.log, self._export, self.samples):
            if one is not None:
                one.close()
