"""One run: an input of a key, and all that its events set off, until none is left."""

from __future__ import annotations

import logging
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from headrace.errors import ActionError, HeadraceError, NonDeterminismError, StateError
from headrace.operator._action_task import ActionFailure
from headrace.operator._branch import Branch
from headrace.operator._journal import Journal
from headrace.operator._names import content_of
from headrace.values import Stored, decode, digest

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

    from headrace.eventlog._lines import Finished, Wrote
    from headrace.memory import Changes
    from headrace.metrics import Measured
    from headrace.operator._action_task import ActionTask
    from headrace.operator._effects import Effect
    from headrace.operator._names import Names
    from headrace.operator._operator import Operator

__all__ = ["DeadLetter", "Outcome", "Run", "RunInput"]

_LOG = logging.getLogger("headrace.runs")


@dataclass(slots=True)
class RunInput:
    """An input with its key, as the engine hands it to the operator."""

    key: Any
    """The stream's key."""
    key_id: str
    """The key as a text (``headrace.values.key_id``)."""
    value: Stored
    """The input in stored form."""
    sequence: int
    """A number that the engine gave it, unique in its state, the same after a recovery."""
    timestamp: int | None = None
    """Event time, in milliseconds since the epoch."""
    names: Names | None = None
    """Gives it its name; ``None``: it is named by its content and ``sequence``."""
    name: str | None = None
    """The name of its run, once that was given."""
    kept: bool = False
    """Whether an action store has entries of its run."""
    again: bool = False
    """Whether an earlier process had it already: what is told of its run was told before."""

    def named(self) -> str | None:
        """The name of its run; ``None`` where nothing gives it one."""
        if self.name is None and self.names is not None:
            self.name, self.kept = self.names.give(self.key_id, self.value)
        return self.name


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An input whose run failed for good: what it was, and why."""

    key: Any
    input: Any
    error: str
    """The error's type and text."""
    trace: str
    action: str
    attempts: int
    run_id: str
    time: float
    """When it was given up, in seconds since the epoch."""

    def as_dict(self) -> dict[str, Any]:
        """The same as a mapping, for files and side outputs."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Outcome:
    """How a run ended: what the engine makes visible, all of it or nothing."""

    status: Literal["finished", "skipped", "dead_letter", "failed", "handed_back"]
    changes: Changes
    """Short-term memory, changed."""
    outputs: list[Stored]
    """Outputs in stored form, in order."""
    effects: Sequence[Effect] = ()
    """What is to be done once the run is sure, in order."""
    dead_letter: DeadLetter | None = None
    error: BaseException | None = None
    measured: Measured | None = None
    """The author's own metrics."""


class Run:
    """The execution of one input."""

    __slots__ = (
        "_id",
        "asyncio_task",
        "chosen",
        "current",
        "eager",
        "ending",
        "heard",
        "held_calls",
        "item",
        "journal",
        "operator",
        "outcome",
        "stored",
        "told",
        "waiting",
    )

    def __init__(
        self,
        operator: Operator,
        item: RunInput,
        stored: Mapping[str, Stored],
        journal: Journal | None = None,
    ) -> None:
        self.operator = operator
        self.item = item
        self.stored = stored
        self.journal = journal  # made when it is first needed: most runs make no durable call
        self.outcome: Outcome | None = None
        self.eager = True
        self.waiting = False  # in a back-off, so it holds no place in flight
        self.ending = False  # what is cancelled from now on is cancelled by the runtime
        self.held_calls = 0  # those that wait for somebody's decision
        self.asyncio_task: asyncio.Task[None] | None = None
        self.current: ActionTask | None = None
        self._id: str | None = None
        self.heard = False  # whether anybody is told of it
        self.chosen: bool | None = None  # for the event log, where it takes a share (Teller.tells)
        # For the event log, while it has not waited.
        self.told: list[Finished | Wrote | bytes] | None = None

    @property
    def id(self) -> str:
        """Names the run by its input, not by how often it was tried; see ``Names``."""
        if self._id is None:
            item = self.item
            self._id = item.named() or (
                f"{content_of(self.operator.plan.identity, item.key_id, item.value)}"
                f"-{item.sequence}"
            )
        return self._id

    @property
    def known_id(self) -> str | None:
        """Its id, where somebody has asked for it: making it takes time."""
        return self._id or self.item.name

    def memory_home(self) -> str:
        """Names the key's memory, for references into it."""
        return digest([self.operator.plan.identity, self.item.key_id])[:16]

    def journaled(self) -> Journal:
        """The run's journal."""
        if self.journal is None:
            self.journal = Journal()
        return self.journal

    def suspended(self) -> None:
        """Told by the operator when the run waits for the first time: its time-out starts."""
        self.eager = False
        if self.told is not None:
            self.operator.telling.flush(self)
        if self.current is not None and self.current.deadline is not None:
            self.current.deadline.arm(self.asyncio_task)

    async def execute(self) -> None:
        """Runs to the end and leaves an outcome; only cancelling gets out of it."""
        telling = self.operator.telling
        self.heard = on = telling.on and (not telling.some or telling.tells(self))
        began = time.monotonic() if on else 0.0
        if telling.starts:
            telling.run_started(self)
        if self.item.kept and self.operator.ledger is not None:
            await self.operator.ledger.recall(self)
        while self.outcome is None:
            await self._go()
        if on:
            telling.run_ended(self, began)

    async def _go(self) -> None:
        """Goes from the start to the end; leaves no outcome where it is to go once more."""
        branch = Branch(self, self.operator.plan.start, self.item.value)
        try:
            await branch.execute()
        except ActionFailure as failure:
            self._fail(failure.task, failure.error)
        except HeadraceError as error:
            self._fail(None, error)
        else:
            self.outcome = Outcome(
                "finished",
                branch.changes,
                branch.outputs,
                branch.effects,
                measured=branch.measured,
            )

    # ------------------------------------------------------------ the end
    def _fail(self, task: ActionTask | None, error: Exception) -> None:
        config = self.operator.plan.config
        then = ((task.action.spec.policy if task else None) or config.failure).then
        if isinstance(error, NonDeterminismError) and config.journal_errors != "fail":
            if config.journal_errors == "rerun":
                _LOG.warning("it goes this path from its start (journal_errors): %s", error)
                self.journaled().loosen()
                return
            then = "dead_letter"
        self.outcome = self._failed(task, error, then)

    def _failed(self, task: ActionTask | None, error: Exception, then: str) -> Outcome:
        name = task.action.name if task else ""
        if then == "skip":
            return Outcome("skipped", {}, [], error=error)
        if then == "dead_letter":
            letter = DeadLetter(
                key=self.item.key,
                input=_readable(self.item.value),
                error=f"{type(error).__name__}: {error}",
                trace="".join(traceback.format_exception(error)),
                action=name,
                attempts=task.attempt if task else 1,
                run_id=self.id,
                time=self.operator.clock(),
            )
            return Outcome("dead_letter", {}, [], dead_letter=letter, error=error)
        wrapped = ActionError(
            f"the action {name!r} failed for the key {self.item.key!r} "
            f"(run {self.id}, attempt {task.attempt if task else 1}): "
            f"{type(error).__name__}: {error}"
        )
        wrapped.__cause__ = error
        return Outcome("failed", {}, [], error=wrapped)


def _readable(stored: Stored) -> Any:
    """A value, or its stored form where its class is gone: a dead letter must not fail."""
    try:
        return decode(stored)
    except StateError:
        return stored
