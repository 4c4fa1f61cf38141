"""The context of an action task."""

from __future__ import annotations

import asyncio
import functools
import inspect
from typing import TYPE_CHECKING, Any, Literal

from headrace.calls import function_name
from headrace.context import DEFAULT, Context, Default, LongTermMemory
from headrace.errors import (
    MemoryValueError,
)
from headrace.events import Event, InputEvent, OutputEvent, copied
from headrace.memory import Changes, Memory
from headrace.memory_events import MemoryEvent
from headrace.metrics import ActionMetrics, Measured
from headrace.operator._durable import DurableCalls
from headrace.operator._effects import Effect, held_back
from headrace.operator._gathering import together
from headrace.operator._memory import LongTerm
from headrace.operator._notices import kind_of
from headrace.operator._sights import Sights
from headrace.policy import FAIL, FailurePolicy
from headrace.values import Stored, decode, encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence

    from headrace.chat import ChatDelta, ChatResponse, Message
    from headrace.config import RuntimeConfig
    from headrace.memory_refs import MemoryRef
    from headrace.operator._action_task import ActionTask
    from headrace.operator._agents import Asked
    from headrace.operator._resources import Resources
    from headrace.operator._run import Run
    from headrace.operator._served import Answer
    from headrace.prompts import Prompt
    from headrace.settings import Config

__all__ = ["RunContext"]


class RunContext(Context):
    """What an action task does, until its step ends."""

    __slots__ = (
        "_asked",
        "_before",
        "_calls",
        "_event_prefix",
        "_metrics",
        "_run",
        "_sensory",
        "_short_term",
        "_task",
        "_tools",
        "_turn",
        "asyncio_task",
        "attempt",
        "events",
        "held",
        "key",
        "measured",
        "outputs",
        "timestamp",
        "told",
    )

    def __init__(self, run: Run, task: ActionTask) -> None:
        self._run = run
        self._task = task
        self.key = run.item.key
        self.attempt = task.attempt
        self.timestamp = run.item.timestamp
        self.events: list[tuple[Event, str, str | None]] = []
        self.outputs: list[Stored] = []
        self.held: list[Effect] = []  # what is to be done once the run is sure
        self.told: list[MemoryEvent] = []  # what was done with long-term memory
        self._short_term: Memory | None = None
        self._sensory: Memory | None = None
        self._calls: DurableCalls | None = None
        self._before: RunContext | None = None
        self._event_prefix = ""
        self._tools = 0
        self._turn: asyncio.Lock | None = None
        self._asked: Asked | None = None
        self._metrics: ActionMetrics | None = None
        self.measured: Measured | None = None
        self.asyncio_task: asyncio.Task[Any] | None = None

    @property
    def run_id(self) -> str:  # type: ignore[override]
        """Names the run."""
        return self._run.id

    @property
    def event_id(self) -> str:  # type: ignore[override]
        """Names the event that triggered the action."""
        return self._task.event_id or f"{self._run.id}/input"

    def of_tool(self) -> RunContext:
        """A context for a tool that is given one: what it does is kept apart until it ends."""
        made = RunContext(self._run, self._task)
        made._before = self
        made._event_prefix = f"{self._event_prefix}{self._tools}."
        self._tools += 1
        made._calls = self.calls  # one row for the whole task, so that equal ones are told apart
        return made

    def hold(self) -> None:
        """Stops the action's time while somebody decides."""
        self._task.hold()

    def unhold(self) -> None:
        """Lets it go on."""
        self._task.unhold()

    @property
    def run(self) -> Run:
        """The run."""
        return self._run

    @property
    def task(self) -> ActionTask:
        """The action task."""
        return self._task

    @property
    def member(self) -> str | None:
        """The team's member or the sub-agent whose action this is; ``None``: the agent's own."""
        return self._task.action.spec.member

    @property
    def settings(self) -> RuntimeConfig:
        """The settings of the agent, or of the sub-agent, whose action this is."""
        return self._task.branch.config

    @property
    def asked(self) -> Asked:
        """What the action's sub-agents have written so far."""
        if self._asked is None:
            from headrace.operator._agents import Asked

            self._asked = Asked()
        return self._asked

    @property
    def turn(self) -> asyncio.Lock:
        """Lets the tools that are given a context go one after the other, in the order of calls."""
        if self._turn is None:
            self._turn = asyncio.Lock()
        return self._turn

    @property
    def config(self) -> Config:
        """Values of the project's own, and of the action's."""
        return self._task.action.config

    @property
    def label(self) -> str:
        """Names the agent and the action, for people: ``Desk.sort``, ``team.member.sort``."""
        return f"{self._run.operator.plan.name}.{self._task.action.name}"

    # ------------------------------------------------------------ metrics
    @property
    def metrics(self) -> ActionMetrics:
        """Metrics of the author's own."""
        if self._metrics is None:
            if self.measured is None:
                self.measured = Measured()
            self._metrics = ActionMetrics(self.measured)
        return self._metrics

    def measure(self, measured: Measured) -> None:
        """Takes what a tool or a sub-agent has measured."""
        if measured:
            if self.measured is None:
                self.measured = Measured()
            self.measured.join(measured)

    # ------------------------------------------------------------ memory
    @property
    def short_term(self) -> Memory:
        """Memory of the key."""
        if self._short_term is None:
            run = self._run
            operator = run.operator
            before = (self._task.branch if self._before is None else self._before).memory_so_far
            self._short_term = Memory(
                run.stored,
                before,
                now=operator.clock,
                lifetimes=operator.lifetimes_of(self._task.branch.member),
                root=self.member,
                home=run.memory_home,
                reads={} if "read" in self._task.branch.noticed else None,
                # What a tool sees is part of its call, which is made once.
                sights=Sights(run, self._task.id) if self._before is None else None,
            )
        return self._short_term

    @property
    def memory_so_far(self) -> Changes:
        """What the run has changed up to here."""
        before = (self._task.branch if self._before is None else self._before).memory_so_far
        return {**before, **(self.memory_changes or {})}

    @property
    def sensory_so_far(self) -> Changes:
        """The same of sensory memory."""
        branch = self._task.branch
        before = branch.sensory if self._before is None else self._before.sensory_so_far
        return {**before, **(self.sensory_changes or {})}

    @property
    def sensory(self) -> Memory:
        """Memory of the run."""
        if self._sensory is None:
            branch = self._task.branch
            before = branch.sensory if self._before is None else self._before.sensory_so_far
            self._sensory = Memory(
                {},
                before,
                now=self._run.operator.clock,
                root=self.member,
                home=branch.sensory_home,
            )
        return self._sensory

    def resolve(self, ref: MemoryRef, *default: Any) -> Any:
        """The value that a reference stands for; see ``Context.resolve``."""
        of_run = ref.home == self._task.branch.sensory_home()
        memory = self.sensory if of_run else self.short_term
        return memory.resolve(ref, *default)

    @property
    def memory_changes(self) -> Changes | None:
        """What was written to short-term memory."""
        return None if self._short_term is None else self._short_term.changes

    @property
    def memory_reads(self) -> Iterable[tuple[str, bool]]:
        """The names that were read in short-term memory, and whether they were there."""
        return () if self._short_term is None else self._short_term.reads or ()

    @property
    def short_term_root(self) -> str:
        """What the names of a team's member begin with."""
        return "" if self._short_term is None else self._short_term.root

    def tell(self, event: MemoryEvent) -> None:
        """Notes what was done with long-term memory, where somebody is told of it."""
        if kind_of(event) in self._task.branch.noticed:
            self.told.append(event)

    @property
    def memory_expiries(self) -> dict[str, float] | None:
        """When names that were read in short-term memory expire now."""
        return None if self._short_term is None else self._short_term.expiries

    @property
    def sensory_changes(self) -> Changes | None:
        """What was written to sensory memory."""
        return None if self._sensory is None else self._sensory.changes

    @property
    def long_term(self) -> LongTermMemory:
        """The long-term memory of this key."""
        return LongTerm(self, self._run.operator, self._run.item.key_id)

    # ------------------------------------------------------------ events
    def send(self, event: Event) -> Any:
        """Sends an event; see ``Context.send``."""
        member = self._task.action.spec.member
        if isinstance(event, OutputEvent):
            try:
                stored = encode(event.output)
            except MemoryValueError as error:
                raise MemoryValueError(f"the output cannot be sent: {error}") from None
            if member is None:
                self.outputs.append(stored)
            else:
                self._give(member, stored)
            return None
        if not isinstance(event, Event):
            raise TypeError(f"ctx.send takes an event, got a {type(event).__name__}")
        if isinstance(event, MemoryEvent):
            raise TypeError("the runtime alone tells of memory: send an event of your own")
        self._run.operator.check_handled(event, member)
        try:
            stored = encode(event)
        except MemoryValueError as error:
            raise MemoryValueError(f"{type(event).__name__} cannot be sent: {error}") from None
        event_id = self._send(copied(event), member)
        telling = self._run.operator.telling
        if telling.on:
            telling.sent(self._task, event.event_type, stored, event_id)
        return event_id

    @property
    def answers(self) -> dict[str, Answer]:
        """What the runtime answers to the requests of this branch, by their ids."""
        return self._task.branch.answers

    def joins_alone(self, response: Event) -> bool:
        """Whether an answer is for nobody but those who join it with others."""
        operator, member = self._run.operator, self._task.action.spec.member
        return not operator.handles(response, member) and operator.joins(member)

    def _send(self, event: Event, member: str | None) -> str:
        event_id = f"{self._run.id}/{self._task.id}/{self._event_prefix}{len(self.events)}"
        self.events.append((event, event_id, member))
        return event_id

    def _give(self, member: str, output: Stored) -> None:
        """Gives a member's output to those that the team's routes name, or to the stream."""
        for target in self._task.branch.routed(member, output):
            if target is None:
                self.outputs.append(output)
            else:
                self._send(InputEvent(input=decode(output)), target)

    # ------------------------------------------------------------ effects
    def after_commit(self, function: Callable[..., Any], /, *args: Any, **how: Any) -> str:
        """Has something done once the run is sure; see ``Context.after_commit``."""
        effect = held_back(self, function, args, how)
        self.held.append(effect)
        telling = self._run.operator.telling
        if telling.on:
            telling.held_back(self._task, effect)
        return effect.key

    def next_effect(self) -> str:
        """The name of the effect that is asked for next, within the action task."""
        return f"{self._event_prefix}after.{len(self.held)}"

    # ------------------------------------------------------------ calls
    def call(
        self,
        function: Callable[..., Any],
        /,
        *args: Any,
        key: str | None = None,
        reconcile: Callable[..., Any] | None = None,
        timeout: float | Default | None = DEFAULT,
        retry: FailurePolicy | None = None,
        if_unknown: Literal["retry", "fail"] = "retry",
        **kwargs: Any,
    ) -> Coroutine[Any, Any, Any]:
        """Makes a durable call; see ``Context.call``."""
        name = function_name(function)
        if key is None:
            try:
                identity: Stored = encode([list(args), kwargs])
            except MemoryValueError as error:
                raise MemoryValueError(
                    f"the arguments of the durable call {name} cannot be recorded: {error}. "
                    "Pass data, or name the call with key=..."
                ) from None
        else:
            identity = key
        return self.durable(
            name,
            identity,
            functools.partial(function, *args, **kwargs),
            reconcile=None if reconcile is None else functools.partial(reconcile, *args, **kwargs),
            timeout=timeout,
            retry=retry or FAIL,
            if_unknown=if_unknown,
        )

    def durable(
        self, name: str, identity: Stored, make: Callable[[], Any], **how: Any
    ) -> Coroutine[Any, Any, Any]:
        """A durable call of anything that has a name and an identity; see ``DurableCalls.call``."""
        return self.calls.call(name, identity, make, **how)

    @property
    def calls(self) -> DurableCalls:
        """The durable calls of the task, in this attempt; tools with a context share them."""
        if self._calls is None:
            self._calls = DurableCalls(self._run, self._task, self.asyncio_task)
        return self._calls

    def end(self) -> None:
        """Told when the action has returned: looks for calls that were lost."""
        if self._run.journal is not None:
            self.calls.end()

    # ------------------------------------------------------------ resources
    @property
    def identity(self) -> str:
        """What memory belongs to: the job's identity; of a team's member, with its own name."""
        name, member = self._run.operator.plan.identity, self._task.action.spec.member
        return name if member is None else f"{name}.{member}"

    @property
    def resources(self) -> Resources:
        """The resources of the agent, or of the team's member, whose action this is."""
        return self._run.operator.resources_of(self._task.action.spec.member)

    def chat(
        self,
        model: str,
        messages: str | Prompt | Sequence[Message] | Any = None,
        /,
        *,
        prompt: str | None = None,
        tools: Sequence[str] = (),
        output: Any = None,
        on_delta: Callable[[ChatDelta], None] | None = None,
        options: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Coroutine[Any, Any, ChatResponse]:
        """Asks a chat model; see ``Context.chat``."""
        from headrace.operator._chat import Chat
        from headrace.operator._prompting import Opening

        opening = Opening(self, model, messages, prompt, fields)
        chat = Chat(self, self._run.operator, model, tuple(tools), output, on_delta, options)
        return chat.ask(opening)

    def tool(self, name: str, /, **arguments: Any) -> Coroutine[Any, Any, Any]:
        """Calls a tool; see ``Context.tool``."""
        from headrace.operator._tools import call_tool

        return call_tool(self, self._run.operator, name, arguments)

    def agent(self, name: str, value: Any = None, /) -> Coroutine[Any, Any, Any]:
        """Asks a sub-agent; see ``Context.agent``."""
        from headrace.operator._agents import call_agent

        return call_agent(self, name, value)

    def gather(self, *calls: Awaitable[Any]) -> Coroutine[Any, Any, list[Any]]:
        """Makes several calls side by side; see ``Context.gather``."""
        wrong = [at for at, call in enumerate(calls) if not inspect.isawaitable(call)]
        if wrong:
            for call in calls:
                if inspect.iscoroutine(call):
                    call.close()
            kind = type(calls[wrong[0]]).__name__
            raise TypeError(
                f"ctx.gather takes calls that were not awaited; number {wrong[0] + 1} is a {kind}"
            )
        return together(calls)

    def resource(self, kind: str, name: str, /) -> Coroutine[Any, Any, Any]:
        """A resource of the agent."""
        return self.resources.get(kind, name)

    def prompt(self, name: str, /, **fields: Any) -> tuple[Message, ...]:
        """One of the agent's prompts, filled."""
        return self.resources.prompt(name).fill(**fields)
