"""What the operator tells of itself: made here, once, for the event log and for observers alike."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from headrace.eventlog import STANDARD, VERBOSE, fault_of, named_call
from headrace.operator._durable import OUTER_CALL
from headrace.operator._passing import Passing
from headrace.operator._told import (
    error_text,
    of_call,
    of_effect,
    plain_number,
    shown_name,
    told_error,
    written,
)
from headrace.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.chat import Usage
    from headrace.operator._action_task import ActionTask
    from headrace.operator._branch import Purse
    from headrace.operator._effects import Effect
    from headrace.operator._journal import Entry
    from headrace.operator._run import Run
    from headrace.records import RecordKind
    from headrace.values import Stored

__all__ = ["Teller"]

_NOTHING: tuple[()] = ()


class Teller(Passing):
    """Tells what happens, each thing in its own words (``Passing``: to whom)."""

    __slots__ = ()

    def run_started(self, run: Run) -> None:
        """A run begins."""
        if self._metrics is not None:
            self._metrics.run_started()
        if self._observers:
            self._observe(run, "run", "started", name=self._agent)
        if self._run_level == VERBOSE:
            self._take(run, VERBOSE, "run", "started", self._agent, data={"input": run.item.value})

    def run_ended(self, run: Run, began: float) -> None:
        """A run has an outcome; ``began`` is of ``time.monotonic``."""
        ended = run.outcome
        assert ended is not None  # noqa: S101 - the operator settles every run
        error = ended.error
        if self._metrics is not None:
            self._metrics.run_ended(run, monotonic() - began)
        if self._observers:
            why = repr(error) if error else None
            self._observe(run, "run", ended.status, error=why)
        if self._levels is None or (self._choose is not None and not self.tells(run)):
            return
        level = self._run_level
        if not level:
            self.flush(run)
            return
        if level == STANDARD and error is None:
            item, now = run.item, monotonic()
            self._passed(
                (run.known_id if run.eager else run.id, item.key_id, item.sequence, item.value,
                 item.again, run.told or _NOTHING, self._clock() - now,
                 now, now - began, ended.status, ended.outputs),
            )  # fmt: skip
            run.told = None
            return
        data = {"input": run.item.value}
        if ended.outputs:
            data["outputs"] = ended.outputs
        if level == VERBOSE and ended.changes:
            data["memory"] = written(ended.changes, "")
        why = fault = None
        if error is not None:
            why, fault = error_text(error), fault_of(error)
        self._take(
            run, level, "run", ended.status, self._agent,
            duration=monotonic() - began, error=why, fault=fault, data=data,
        )  # fmt: skip
        self.flush(run)

    def action_started(self, task: ActionTask) -> None:
        """An attempt of an action begins."""
        name = task.action.name
        if self._levels is not None and self._levels["action", name] == VERBOSE:
            self._take(
                task.branch.run, VERBOSE, "action", "started", name,
                task.id, task.event_id, task.attempt,
            )  # fmt: skip

    def action_ended(
        self, task: ActionTask, what: str, began: float, error: Exception | None = None
    ) -> None:
        """An attempt of an action has ended."""
        run, name = task.branch.run, task.action.name
        now = monotonic()
        why = None if error is None else error_text(error)
        if self._metrics is not None:
            self._metrics.action_ended(task, what, now - began)
        if self._observers:
            self._observe(
                run, "action", what,
                name=name, id=task.id, cause=task.event_id or run.id,
                attempt=task.attempt, duration=now - began, error=why,
            )  # fmt: skip
        if self._levels is None or (self._choose is not None and not self.tells(run)):
            return
        level = self._levels["action", name]
        if level == STANDARD and error is None:
            done = (now, now - began, name, task.id, task.event_id, task.attempt)
            if run.told is None and run.eager:  # nearly always
                run.told = [done]
            else:
                self._put(run, done)
        elif level:
            self._take(
                run, level, "action", what, name, task.id, task.event_id, task.attempt,
                now - began, why, None if error is None else fault_of(error, "action"),
            )  # fmt: skip
        context = task.context
        if error is None and context is not None and (changes := context.memory_changes):
            self._wrote(task, changes, context.short_term_root, now)

    def _wrote(self, task: ActionTask, changes: Mapping[str, Any], root: str, now: float) -> None:
        """What an action has written to short-term memory is its run's."""
        assert self._levels is not None  # noqa: S101 - asked by the caller
        level = self._levels["memory", "short_term"]
        if level == STANDARD:
            begin = len(root)
            names = [shown_name(name[begin:]) for name in changes]
            self._put(task.branch.run, (now, task.id, task.attempt, names))
        elif level:
            self._take(
                task.branch.run, level, "memory", "written", "short_term", f"{task.id}/memory",
                task.id, task.attempt, data={"values": written(changes, root)},
            )  # fmt: skip

    def retried(self, task: ActionTask, wait: float) -> None:
        """An action is tried again after a wait."""
        if self._metrics is not None:
            self._metrics.action_retried(task, wait)
        if self._levels is not None and (level := self._levels["retry", task.action.name]):
            self._take(
                task.branch.run, level, "retry", "retried", task.action.name,
                f"{task.id}/retry", task.id, task.attempt,
                data={"of": "action", "wait": round(wait, 3)},
            )  # fmt: skip

    def call_ended(
        self,
        task: ActionTask,
        entry: Entry,
        what: str,
        began: float | None,
        error: Exception | None = None,
    ) -> None:
        """A durable call has an outcome, or its recorded one was taken (``reused``)."""
        run = task.branch.run
        duration = None if began is None else monotonic() - began
        why = None if error is None else told_error(error)
        if self._metrics is not None:
            self._metrics.call_ended(task, entry.name, what, duration, error)
        if self._observers:
            self._observe(
                run, "call", what,
                name=entry.name, id=entry.id, cause=task.id, duration=duration, error=why,
            )  # fmt: skip
        if self._levels is None:
            return
        kind, name = named_call(entry.name)
        level = self._levels[kind, name]
        if level:
            outer = entry.outer
            self._take(
                run, level, kind, what, name, entry.id,
                task.id if outer is None else outer.id, task.attempt,
                duration, why, None if error is None else fault_of(error, kind),
                self._of_call(task, kind, entry, level), replayed=what == "reused",
            )  # fmt: skip

    def used(self, task: ActionTask, model: str, usage: Usage) -> None:
        """A model has answered, and not in a replay."""
        if self._metrics is not None:
            self._metrics.used(task, model, usage)

    def refused(self, task: ActionTask) -> None:
        """A tool that was asked for was not called."""
        if self._metrics is not None:
            self._metrics.tool_refused(task)

    def tried(
        self,
        task: ActionTask,
        entry: Entry,
        number: int,
        began: float,
        error: Exception | None = None,
        wait: float | None = None,
    ) -> None:
        """One of several tries of a durable call has ended; ``wait``: until the next one."""
        if self._levels is None:
            return
        kind, name = named_call(entry.name)
        if level := self._levels["retry", name]:
            data: dict[str, Any] = {"of": kind, "try": number}
            if wait is not None:
                data["wait"] = round(wait, 3)
            self._take(
                task.branch.run, level, "retry", "finished" if error is None else "failed", name,
                f"{entry.id}#{number}", entry.id, task.attempt, monotonic() - began,
                None if error is None else told_error(error),
                None if error is None else fault_of(error, kind), data,
            )  # fmt: skip

    def sent(self, task: ActionTask, name: str, event: Stored, event_id: str) -> None:
        """An action has sent an event."""
        run, cause = task.branch.run, task.id
        if self._metrics is not None:
            self._metrics.event_sent(task, name)
        if self._observers:
            self._observe(run, "event", "sent", name=name, id=event_id, cause=cause)
        if self._levels is not None and (level := self._levels["event", name]):
            self._take(
                run, level, "event", "sent", name, event_id, cause, task.attempt,
                data={"event": event},
            )  # fmt: skip

    def held_back(self, task: ActionTask, effect: Effect) -> None:
        """An action has asked for something that is done once its run is sure."""
        self.record(
            task.branch.run, "effect", "held",
            name=effect.function, id=effect.id, cause=task.id, attempt=task.attempt,
            data=of_effect(effect),
        )  # fmt: skip

    def effect(
        self,
        effect: Effect,
        what: str,
        *,
        duration: float | None = None,
        error: Exception | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """What became of an effect: its run is over, maybe since before this process."""
        if not self.on:
            return
        why = None if error is None else error_text(error)
        name, number, now = effect.function, effect.attempts, self._clock()
        if self._metrics is not None:
            self._metrics.effect(name, what, now - effect.asked)
        told = {**of_effect(effect), **(data or {})}
        cause = effect.id.rpartition("/")[0]
        if self._observers:
            ids = {"id": f"{effect.run}/{effect.id}", "cause": f"{effect.run}/{cause}"}
            made = Record(
                "effect", what, now, effect.run, effect.key_id, name=name, attempt=number,
                duration=duration, error=why, data=told, **ids,
            )  # fmt: skip
            self._show(made)
        if self._levels is None or effect.untold:
            return
        if level := self._levels["effect", name]:
            fault = None if error is None else fault_of(error, "effect")
            line = self._packed(
                (now, level, "effect", what, name, effect.id, cause, number, duration, why, fault,
                 told, False)
            )  # fmt: skip
            since = now - monotonic()
            self._passed((effect.run, effect.key_id, 0, None, effect.again, [line], since))

    def parsed(self, task: ActionTask, model: str, id_: str, error: str | None) -> None:
        """An answer was read into its form, or does not have it."""
        self.record(
            task.branch.run,
            "parse",
            "finished" if error is None else "failed",
            name=model,
            id=id_,
            cause=task.id,
            attempt=task.attempt,
            error=error,
        )

    def agent(
        self,
        task: ActionTask,
        what: str,
        name: str,
        path: str,
        began: float | None = None,
        error: Exception | None = None,
    ) -> None:
        """A sub-agent begins, or has ended."""
        self.record(
            task.branch.run,
            "agent",
            what,
            name=name,
            id=path,
            cause=task.id,
            attempt=task.attempt,
            duration=None if began is None else monotonic() - began,
            error=None if error is None else error_text(error),
            fault=None if error is None else fault_of(error),
        )

    def of_resource(self, run: Run, task: ActionTask, tool: str) -> Callable[..., None]:
        """Takes what a resource tells during a call (``headrace.records.tell``)."""
        count = 0

        def teller(
            what: str, name: str, data: dict[str, Any], kind: RecordKind = "resource"
        ) -> None:
            nonlocal count
            count += 1
            if self._metrics is not None:
                self._metrics.told(task, kind, what, name, data)
            cause = cause_of(task)
            self.record(
                run,
                kind,
                what,
                name=name,
                id=f"{cause}/{tool}.{count}",
                cause=cause,
                attempt=task.attempt,
                data=data,
            )

        return teller

    def budget(self, task: ActionTask, purse: Purse, what: str, limit: str) -> None:
        """A run's models have come near one of their limits (``warned``) or reached it."""
        run = task.branch.run
        if self._metrics is not None:
            self._metrics.budget(purse.agent, limit, what)
        spent, most = next(
            (spent, most) for name, spent, most in purse.spent.limits(purse.budget) if name == limit
        )
        of = f"{task.branch.path}/" if purse.agent else ""
        data: dict[str, Any] = {"spent": plain_number(spent), "limit": plain_number(most)}
        if limit == "cost":
            data["currency"] = purse.currency
        if purse.agent:
            data["member"] = purse.agent
        if what == "exceeded" and limit == "cost" and purse.spent.usage.unpriced_tokens:
            data["unpriced_tokens"] = purse.spent.usage.unpriced_tokens
        self.record(
            run, "budget", what, name=limit, id=f"{of}budget.{limit}.{what}",
            cause=task.id, attempt=task.attempt, data=data,
        )  # fmt: skip

    def _of_call(self, task: ActionTask, kind: str, entry: Entry, level: int) -> dict[str, Any]:
        data = of_call(kind, entry, level, task.attempt)
        if "usage" in data:
            if data["usage"].get("cost"):
                data["usage"]["currency"] = self._currency
            if task.action.spec.member:
                data["member"] = task.action.spec.member
        return data


def cause_of(task: ActionTask) -> str:
    """The id of what caused something that happens now: the call around it, or the action."""
    outer = OUTER_CALL.get()
    return outer.id if outer is not None and outer.id else task.id
