"""The steps of a run, or of a sub-agent within one: events, the actions they set off, until none.

A *step* handles all events of the step before: their actions start in the order of the events and
of the plan, the ``async`` ones overlap, and each sees memory as it was when the step began, and its
own writes. When all have ended, their writes and events are joined in that same order. So what a
run does depends on what its calls return, and not on how fast they do.

The run itself is a branch. A sub-agent that an action asks is one of its own: it has its own
events, steps, settings and sensory memory, and gives what it put out to the action that asked.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from headrace.errors import NonRetryableError
from headrace.events import InputEvent, copied
from headrace.memory import Changes, merge, refresh
from headrace.memory_events import RunBeganEvent
from headrace.operator._action_task import ActionTask, perform
from headrace.operator._notices import noticed_kinds, notices_of, tell
from headrace.operator._served import SERVED, Answer
from headrace.samples import fed, verdict_event
from headrace.values import Stored, decode, digest

if TYPE_CHECKING:
    from headrace.config import RuntimeConfig
    from headrace.events import Event, VerdictEvent
    from headrace.memory_events import MemoryEvent
    from headrace.metrics import Measured
    from headrace.models.policy import RunBudget
    from headrace.operator._eager import Deadline
    from headrace.operator._effects import Effect
    from headrace.operator._run import Run
    from headrace.operator._spending import Spent

__all__ = ["Branch", "Purse"]


class Purse(NamedTuple):
    """What models have cost, and what they may."""

    spent: Spent
    budget: RunBudget
    agent: str
    """Whose it is, where it is a sub-agent's."""
    currency: str
    """What cost is told in."""


class Branch:
    """A run's own steps, or those of a sub-agent that one of its actions asked.

    Args:
        run: The run.
        start: The member that gets the input; ``None``: the agent itself.
        value: The input, in stored form.
        member: The sub-agent; ``None``: the run's own steps.
        path: Names a sub-agent's branch within the run; empty: the run's own steps.
        asked_by: The action task that asked.
        before: What it sees of the run's changes of memory.

    ``answers`` has those that the runtime gave to requests, by the requests' ids.
    """

    __slots__ = (
        "_step",
        "answers",
        "asked_by",
        "before",
        "changes",
        "config",
        "deadline",
        "effects",
        "ending",
        "holds",
        "measured",
        "member",
        "noticed",
        "notices",
        "outputs",
        "path",
        "quiet",
        "rounds",
        "run",
        "sensory",
        "start",
        "value",
    )

    def __init__(
        self,
        run: Run,
        start: str | None,
        value: Stored,
        *,
        member: str | None = None,
        path: str = "",
        asked_by: ActionTask | None = None,
        before: Changes | None = None,
    ) -> None:
        self.run = run
        self.start = start
        self.value = value
        self.member = member
        self.path = path
        self.asked_by = asked_by
        self.before = before
        self.config: RuntimeConfig = run.operator.settings_of(member)
        self.noticed = noticed_kinds(self.config, run.operator.plan)
        if asked_by is not None and asked_by.branch.quiet:
            self.noticed = frozenset()
        self.quiet: bool = False  # it handles events of memory: what is done now is told nobody
        self.notices: list[tuple[MemoryEvent, str | None]] = []
        self._step = 0
        self.changes: Changes = {}
        self.sensory: Changes = {}
        self.outputs: list[Stored] = []
        self.measured: Measured | None = None
        self.effects: list[Effect] = []
        self.rounds: Counter[tuple[str, str | None]] | None = None
        self.deadline: Deadline | None = None
        self.ending = False  # what is cancelled from now on is cancelled by the runtime
        self.holds = 0
        self.answers: dict[str, Answer] = {}

    @property
    def memory_so_far(self) -> Changes:
        """The changes of memory that a step sees."""
        return {**self.before, **self.changes} if self.before else self.changes

    def sensory_home(self) -> str:
        """Names its sensory memory, for references into it."""
        return digest(f"{self.run.id}/{self.path}" if self.path else self.run.id)[:16]

    def routed(self, member: str, output: Stored) -> list[str | None]:
        """Where a member's output goes: to members, and (``None``) out."""
        if self.rounds is None:
            self.rounds = Counter()
        run = self.run
        return run.operator.routes.targets(member, output, run.item.key, self.rounds)

    def purses(self) -> list[Purse]:
        """What its models have cost, and may: those of the run first, its own last."""
        journal = self.run.journaled()
        currency = self.run.operator.plan.config.prices.currency
        if self.asked_by is None or self.member is None:
            return [Purse(journal.spent, self.config.budget, "", currency)]
        own = Purse(journal.spent_in(self.path), self.config.budget, self.member, currency)
        return [*self.asked_by.branch.purses(), own]

    def hold(self) -> None:
        """Stops the time of a sub-agent, and of who asked it."""
        if self.asked_by is None:
            return
        self.holds += 1
        if self.holds == 1:
            if self.deadline is not None:
                self.deadline.pause()
            self.asked_by.hold()

    def unhold(self) -> None:
        """Lets it go on."""
        if self.asked_by is None:
            return
        self.holds -= 1
        if self.holds == 0:
            if self.deadline is not None:
                self.deadline.resume()
            self.asked_by.unhold()

    # ------------------------------------------------------------ steps
    async def execute(self) -> None:
        """Goes on until no event is left.

        Raises:
            ActionFailure: An action failed for good.
            NonRetryableError: There was no end to it.
        """
        if "began" in self.noticed:
            await tell(self, [(RunBeganEvent(), self.start)])
        await self.handle([(self._input(), self._input_id, self.start)])
        if self.notices:
            await tell(self, self.notices)

    @property
    def next_step(self) -> int:
        """The number of the step that comes next."""
        return self._step

    async def handle(self, events: list[tuple[Event, str, str | None]]) -> None:
        """Goes in steps from some events until none is left."""
        for _ in range(self.config.max_steps):
            tasks = self._tasks(self._step, events)
            self._step += 1
            if len(tasks) == 1:
                await perform(tasks[0])
            elif tasks:
                await self._perform_all(tasks)
            else:
                return
            events = self._join(tasks)
            if not events:
                return
        raise NonRetryableError(
            f"the run took {self.config.max_steps} steps and had not ended: two "
            "actions that trigger each other without end? (the setting max_steps)"
        )

    def _tasks(self, step: int, events: list[tuple[Event, str, str | None]]) -> list[ActionTask]:
        tasks: list[ActionTask] = []
        run = self.run
        prefix = f"{self.path}/" if self.path else ""
        for event, event_id, member in events:
            sent = None if event_id == self._input_id else event
            if event.event_type in SERVED:
                self.answers[event_id] = Answer()
            for action in run.operator.triggered(run, event, member):
                own = self.copy_of(sent) if tasks or sent is not None else event
                number = f"{prefix}{step}.{len(tasks)}"
                tasks.append(ActionTask(self, action, own, event_id, number, sent))
        return tasks

    def copy_of(self, sent: Event | None) -> Event:
        """An attempt's own copy of its event; ``None`` stands for the input."""
        return self._input() if sent is None else copied(sent)

    @property
    def _input_id(self) -> str:
        return f"{self.run.id}/{self.path}" if self.path else ""

    def _input(self) -> InputEvent | VerdictEvent:
        if not self.path and fed(self.value):
            return verdict_event(self.value)
        return InputEvent(input=decode(self.value))

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
            if self.noticed:
                done = notices_of(context, task.action.name, self.noticed)
                self.notices += [(event, task.action.spec.member) for event in done]
            if context.measured:
                if self.measured is None:
                    self.measured = context.measured
                else:
                    self.measured.join(context.measured)
            self.outputs += context.outputs
            self.effects += context.held
            events += context.events
            task.context = None  # no cycle is left for the garbage collector
        if expiries:
            stored = {**self.run.stored, **self.before} if self.before else self.run.stored
            refresh(self.changes, stored, expiries, written)
        return events

    async def _perform_all(self, tasks: list[ActionTask]) -> None:
        loop = asyncio.get_running_loop()
        running = [loop.create_task(perform(task)) for task in tasks]
        try:
            await asyncio.gather(*running)
        except BaseException:
            self.ending = True
            raise
        finally:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)
