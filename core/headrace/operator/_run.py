"""One run: an input of a key, and all that its events set off, until none is left.

A run goes in *steps*. A step handles all events of the step before: their actions start in the
order of the events and of the plan, the ``async`` ones overlap, and each sees memory as it was when
the step began, and its own writes. When all have ended, their writes and events are joined in that
same order. So what a run does depends on what its calls return, and not on how fast they do.
"""

from __future__ import annotations

import asyncio
import inspect
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from headrace.errors import ActionError, HeadraceError, NonRetryableError, StateError
from headrace.events import InputEvent, copied
from headrace.memory import Changes, merge, refresh
from headrace.operator._blocking import BlockingContext
from headrace.operator._context import RunContext
from headrace.operator._journal import Journal
from headrace.operator._served import SERVED
from headrace.values import Stored, decode, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.events import Event
    from headrace.operator._eager import Deadline
    from headrace.operator._operator import BoundAction, Operator

__all__ = ["ActionTask", "DeadLetter", "Outcome", "Run", "RunInput"]


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
    dead_letter: DeadLetter | None = None
    error: BaseException | None = None


class ActionTask:
    """One event handed to one action: its identity, its lineage and what it did."""

    __slots__ = (
        "action",
        "attempt",
        "context",
        "deadline",
        "event",
        "event_id",
        "holds",
        "id",
        "sent",
    )

    def __init__(
        self, action: BoundAction, event: Event, event_id: str, number: str, sent: Event | None
    ) -> None:
        self.action = action
        self.event = event
        self.sent = sent  # the event as it was sent, which no action changes; None: the input
        self.event_id = event_id
        self.id = number
        self.attempt = 1
        self.context: RunContext | None = None
        self.deadline: Deadline | None = None
        self.holds = 0  # its calls that wait for somebody's decision


class _Failure(Exception):  # noqa: N818 - travels between an action task and its run only
    def __init__(self, task: ActionTask, error: Exception) -> None:
        self.task = task
        self.error = error


class Run:
    """The execution of one input."""

    __slots__ = (
        "_id",
        "_rounds",
        "asyncio_task",
        "changes",
        "current",
        "eager",
        "ending",
        "held_calls",
        "item",
        "journal",
        "operator",
        "outcome",
        "outputs",
        "sensory",
        "stored",
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
        self.changes: Changes = {}
        self.sensory: Changes = {}
        self.outputs: list[Stored] = []
        self.outcome: Outcome | None = None
        self.eager = True
        self.waiting = False  # in a back-off, so it holds no place in flight
        self.ending = False  # what is cancelled from now on is cancelled by the runtime
        self.held_calls = 0  # those that wait for somebody's decision
        self.asyncio_task: asyncio.Task[None] | None = None
        self.current: ActionTask | None = None
        self._id: str | None = None
        self._rounds: Counter[tuple[str, str | None]] | None = None

    @property
    def id(self) -> str:
        """Names the run by its input: content and number, not by how often it was tried."""
        if self._id is None:
            content = digest([self.operator.plan.identity, self.item.key_id, self.item.value])
            self._id = f"{content[:16]}-{self.item.sequence}"
        return self._id

    def memory_home(self) -> str:
        """Names the key's memory, for references into it."""
        return digest([self.operator.plan.identity, self.item.key_id])[:16]

    def sensory_home(self) -> str:
        """Names the run's memory, for references into it."""
        return digest(self.id)[:16]

    def journaled(self) -> Journal:
        """The run's journal."""
        if self.journal is None:
            self.journal = Journal()
        return self.journal

    def suspended(self) -> None:
        """Told by the operator when the run waits for the first time: its time-out starts."""
        self.eager = False
        if self.current is not None and self.current.deadline is not None:
            self.current.deadline.arm(self.asyncio_task)

    async def execute(self) -> None:
        """Runs to the end and leaves an outcome; only cancelling gets out of it."""
        if self.operator.observing:
            self.operator.record(self, "run", "started", name=self.operator.plan.name)
        try:
            await self._steps()
            self.outcome = Outcome("finished", self.changes, self.outputs)
        except _Failure as failure:
            self.outcome = self._failed(failure.task, failure.error)
        except HeadraceError as error:
            self.outcome = self._failed(None, error)
        if self.operator.observing:
            ended = self.outcome
            why = repr(ended.error) if ended.error else None
            self.operator.record(self, "run", ended.status, error=why)

    # ------------------------------------------------------------ steps
    async def _steps(self) -> None:
        start = self.operator.plan.start
        events: list[tuple[Event, str, str | None]] = [(self._input(), "", start)]
        for step in range(self.operator.plan.config.max_steps):
            tasks = self._tasks(step, events)
            if len(tasks) == 1:
                await self._perform(tasks[0])
            elif tasks:
                await self._perform_all(tasks)
            else:
                return
            events = self._join(tasks)
            if not events:
                return
        raise NonRetryableError(
            f"the run took {self.operator.plan.config.max_steps} steps and had not ended: two "
            "actions that trigger each other without end? (the setting max_steps)"
        )

    def _tasks(self, step: int, events: list[tuple[Event, str, str | None]]) -> list[ActionTask]:
        tasks: list[ActionTask] = []
        for event, event_id, member in events:
            sent = None if step == 0 else event
            for action in self.operator.triggered(self, event, member):
                own = self._copy(sent) if tasks or sent is not None else event
                tasks.append(ActionTask(action, own, event_id, f"{step}.{len(tasks)}", sent))
        return tasks

    def _copy(self, sent: Event | None) -> Event:
        """An attempt's own copy of its event; ``None`` stands for the run's input."""
        return self._input() if sent is None else copied(sent)

    def _input(self) -> InputEvent:
        return InputEvent(input=decode(self.item.value))

    def routed(self, member: str, output: Stored) -> list[str | None]:
        """Where a member's output goes: to members, and (``None``) to the stream."""
        if self._rounds is None:
            self._rounds = Counter()
        return self.operator.routes.targets(member, output, self.item.key, self._rounds)

    def _join(self, tasks: list[ActionTask]) -> list[tuple[Event, str, str | None]]:
        written: dict[str, str] = {}
        sensed: dict[str, str] = {}
        expiries: dict[str, float] = {}
        events: list[tuple[Event, str, str | None]] = []
        for task in tasks:
            context = task.context
            if context is None:
                continue
            name = f"{task.action.name}#{task.id}"
            if context.memory_expiries:
                expiries.update(context.memory_expiries)
            if context.memory_changes:
                if len(tasks) == 1:
                    self.changes.update(context.memory_changes)
                    written.update(dict.fromkeys(context.memory_changes, name))
                else:
                    merge(self.changes, context.memory_changes, written, name)
            if context.sensory_changes:
                if len(tasks) == 1:
                    self.sensory.update(context.sensory_changes)
                else:
                    merge(self.sensory, context.sensory_changes, sensed, name)
            self.outputs += context.outputs
            events += context.events
            task.context = None  # no cycle is left for the garbage collector
        if expiries:
            refresh(self.changes, self.stored, expiries, written)
        return events

    async def _perform_all(self, tasks: list[ActionTask]) -> None:
        loop = asyncio.get_running_loop()
        running = [loop.create_task(self._perform(task)) for task in tasks]
        try:
            await asyncio.gather(*running)
        except BaseException:
            self.ending = True
            raise
        finally:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    # ------------------------------------------------------------ one action
    async def _perform(self, task: ActionTask) -> None:
        config = self.operator.plan.config
        policy = task.action.spec.policy or config.failure
        if self.journal is not None:
            task.attempt = self.journal.attempt(task.id)
        while True:
            began = time.monotonic() if self.operator.observing else 0.0
            try:
                await self._attempt(task)
            except (Exception, asyncio.CancelledError) as raised:
                error = self._of_its_own(raised)
                if error is None:
                    raise
                if self.operator.observing:
                    self._observe(task, "failed", began, error)
                if not policy.retryable(error, task.attempt):
                    raise _Failure(task, error) from error
                await self._back_off(policy.wait(error, task.attempt))
                task.attempt += 1
                self.journaled().begin_attempt(task.id, task.attempt)
                task.event = self._copy(task.sent)  # the last attempt may have changed its copy
            else:
                if self.operator.observing:
                    self._observe(task, "finished", began, None)
                return

    def _of_its_own(self, raised: BaseException) -> Exception | None:
        """The failure of an action; ``None`` where the runtime put an end to it."""
        if isinstance(raised, Exception):
            return raised
        if self.ending:
            return None
        error = ActionError("it awaited something that was cancelled, and not by the runtime")
        error.__cause__ = raised
        return error

    async def _attempt(self, task: ActionTask) -> None:
        action = task.action
        task.context = context = RunContext(self, task)
        if action.served is not None:
            await SERVED[action.served](task.event, context)
        elif action.mode == "async":
            context.asyncio_task = asyncio.current_task()
            self.current = task
            deadlines = self.operator.deadlines
            task.deadline = deadline = deadlines.within(action.timeout, late=self.eager)
            try:
                with deadline:
                    await action.call(task.event, context)
            finally:
                self.current = None  # what the run waits for next is not this action's time
        elif action.mode == "sync":
            returned = action.call(task.event, context)
            if returned is not None and inspect.isawaitable(returned):
                await returned
        else:
            await self._in_thread(action, task, context)
        context.end()

    async def _in_thread(self, action: BoundAction, task: ActionTask, context: RunContext) -> None:
        loop = asyncio.get_running_loop()
        blocking = BlockingContext(context, loop)
        task.deadline = self.operator.deadlines.within(action.timeout)
        with task.deadline:
            await loop.run_in_executor(self.operator.threads, action.call, task.event, blocking)

    async def _back_off(self, seconds: float) -> None:
        self.operator.release(self)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.operator.regain(self)

    # ------------------------------------------------------------ the end
    def _failed(self, task: ActionTask | None, error: Exception) -> Outcome:
        config = self.operator.plan.config
        policy = (task.action.spec.policy if task else None) or config.failure
        name = task.action.name if task else ""
        if policy.then == "skip":
            return Outcome("skipped", {}, [], error=error)
        if policy.then == "dead_letter":
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
            return Outcome("dead_letter", {}, [], letter, error)
        wrapped = ActionError(
            f"the action {name!r} failed for the key {self.item.key!r} "
            f"(run {self.id}, attempt {task.attempt if task else 1}): "
            f"{type(error).__name__}: {error}"
        )
        wrapped.__cause__ = error
        return Outcome("failed", {}, [], error=wrapped)

    def _observe(self, task: ActionTask, what: str, began: float, error: Exception | None) -> None:
        self.operator.record(
            self,
            "action",
            what,
            name=task.action.name,
            id=f"{self.id}/{task.id}",
            cause=task.event_id or self.id,
            attempt=task.attempt,
            duration=time.monotonic() - began,
            error=None if error is None else f"{type(error).__name__}: {error}",
        )


def _readable(stored: Stored) -> Any:
    """A value, or its stored form where its class is gone: a dead letter must not fail."""
    try:
        return decode(stored)
    except StateError:
        return stored
