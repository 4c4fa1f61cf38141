"""The operator: a plan made runnable, without any engine."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from headrace.conditions import compile_condition
from headrace.errors import ConditionError, ResourceError
from headrace.events import Event, InputEvent, JoinResponseEvent, NamedEvent, event_types
from headrace.lifetimes import Lifetime, Lifetimes
from headrace.memory_events import MemoryEvent
from headrace.metrics import RuntimeMetrics
from headrace.operator._approvals import Approvals
from headrace.operator._bound_action import BoundAction
from headrace.operator._configs import config_of, with_settings
from headrace.operator._eager import Deadlines, start
from headrace.operator._ledger import Ledger
from headrace.operator._resources import Resources
from headrace.operator._routes import Routes
from headrace.operator._run import Outcome, Run, RunInput
from headrace.operator._served import SERVED
from headrace.operator._telling import Teller
from headrace.references import find
from headrace.samples import Telling
from headrace.values import decode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from headrace.config import RuntimeConfig
    from headrace.eventlog import EventLog
    from headrace.metrics import Metrics
    from headrace.operator._action_task import ActionTask
    from headrace.operator._journal import Journal
    from headrace.operator._watch import CallWatch
    from headrace.plan import ActionSpec, AgentPlan
    from headrace.records import Record
    from headrace.samples import Sampling
    from headrace.values import Stored

__all__ = ["Operator"]

Test = Any

_JOINED = JoinResponseEvent(request_id="", responses=())
_LOG = logging.getLogger("headrace.conditions")
THREAD_HELD: ContextVar[bool] = ContextVar("headrace-thread-held", default=False)
"""Whether a thread waits for what runs here."""


class Operator:
    """Runs the inputs of an agent; the engine gives it keys' memory and takes the outcomes.

    Args:
        plan: The agent.
        loop: The loop that runs wait on; the engine turns it.
        on_done: Told of every run that ends after it had to wait (on the loop).
        recorded: Awaited after a durable call's outcome was put in a run's journal, before the
            action goes on; ``None`` where the journal needs no place outside this process.
        asked: Takes the requests for somebody's decision (``ApprovalRequest`` in stored form), to
            be shown at once, not when the run commits.
        holding: Told of a run that waits for a decision (1), and that it does so no more (-1).
        observers: Told of every record.
        log: The event log.
        metrics: Counts what is told, and what actions measure themselves.
        samples: Takes runs that are put aside for people.
        clock: Seconds since the epoch, for TTL and dead letters.
        watch: Told of runs and durable calls, and may know a call's outcome (``CallWatch``).
        mains: Objects of a driver script's ``__main__``, by reference.
    """

    def __init__(
        self,
        plan: AgentPlan,
        loop: asyncio.AbstractEventLoop,
        *,
        on_done: Callable[[Run], None],
        recorded: Callable[[Run], Awaitable[None]] | None = None,
        asked: Callable[[Run, Stored], None] | None = None,
        holding: Callable[[Run, int], None] | None = None,
        observers: Sequence[Callable[[Record], None]] = (),
        log: EventLog | None = None,
        metrics: Metrics | None = None,
        samples: Sampling | None = None,
        clock: Callable[[], float] = time.time,
        watch: CallWatch | None = None,
        mains: Mapping[str, Any] | None = None,
    ) -> None:
        self.plan = plan
        self.loop = loop
        self.clock = clock
        self.watch = watch
        currency = plan.config.prices.currency
        self.metrics = None if metrics is None else RuntimeMetrics(metrics, plan.name, currency)
        told = log if samples is None else Telling(log, samples)
        self.telling = Teller(plan.name, observers, told, clock, self.metrics, currency)
        self._samples = samples
        self.deadlines = Deadlines(loop)
        self.in_flight = 0
        self.suspended: set[Run] = set()
        self._on_done = on_done
        self._recorded = recorded
        self._mains = mains
        self._threads: ThreadPoolExecutor | None = None
        self.approvals = Approvals(self, asked, holding)
        if self.metrics is not None:
            self.metrics.watch(
                in_flight=lambda: self.in_flight, held=lambda: len(self.approvals.held)
            )
        self.routes = Routes(plan.routes)
        self._settings: dict[str | None, RuntimeConfig] = {
            name: plan.config_of(name) for name in (None, *plan.members)
        }
        self._lifetimes = {
            name: Lifetimes(
                Lifetime(ttl=own.short_term_ttl, refresh=own.short_term_refresh),
                own.short_term_names,
            )
            for name, own in self._settings.items()
        }
        self._resources = {
            member: Resources(
                plan, member, functools.partial(self._bind, member), mains, self.deadlines
            )
            for member in plan.owners
        }
        kept = plan.action_store
        self.ledger = None if kept is None else Ledger(self, *kept)
        self._configs = {member: config_of(plan, member, mains) for member in plan.owners}
        self._agents: dict[str | None, Any] = {None: self._made(plan.agent_class, plan.parameters)}
        for name, one in plan.members.items():
            self._agents[name] = self._made(one.agent_class, one.parameters)
        self._actions = {name: self._bound(spec) for name, spec in plan.actions.items()}
        self._by_event = self._dispatch()
        self._matching: dict[Any, list[tuple[BoundAction, list[Test] | None]]] = {}

    # ------------------------------------------------------------ runs
    def begin(
        self, item: RunInput, stored: Mapping[str, Stored], journal: Journal | None = None
    ) -> Run:
        """Starts a run and takes it as far as it goes without waiting.

        Args:
            item: The input.
            stored: The cells of the key's short-term memory; read only, and not changed by anybody
                until the run is done.
            journal: What an earlier execution of this run recorded.

        Returns:
            The run. Its ``outcome`` is there when it is done; else ``on_done`` tells of it later.
        """
        if item.names is not None and item.names.any_lost:
            item.named()  # it may be one whose run was lost
        elif self._samples is not None and self._samples.draws(item):
            item.named()  # its sample has the name of its run
        run = Run(self, item, stored, journal)
        if self.watch is not None:
            self.watch.started(run)
        task = start(self.loop, run.execute())
        if task.done():
            self._settle(run, task)
        else:
            run.asyncio_task = task
            if not run.waiting:  # it may be in a back-off already
                self.in_flight += 1
            self.suspended.add(run)
            run.suspended()
            task.add_done_callback(lambda done: self._finished(run, done))
        return run

    def cancel(self) -> None:
        """Cancels the runs that wait: their outcome is ``handed_back``, nothing of them commits."""
        for run in list(self.suspended):
            if run.asyncio_task is not None:
                run.ending = True
                run.asyncio_task.cancel()

    def release(self, run: Run) -> None:
        """Takes a run that waits for its next attempt out of the count of those in flight."""
        if not run.eager and not run.waiting:
            self.in_flight -= 1
        run.waiting = True

    def regain(self, run: Run) -> None:
        """Counts the run again."""
        if run.waiting:
            run.waiting = False
            self.in_flight += 1

    async def recorded(self, run: Run, task: ActionTask | None = None) -> None:
        """Waits until a run's journal is where it outlives this process.

        Args:
            run: The run.
            task: Its action that waits: its time stands still while the action store is away.
        """
        run.journaled().touch()
        if self.ledger is not None:
            await self.ledger.record(run, task)
        if self._recorded is not None:
            await self._recorded(run)

    async def close(self) -> None:
        """Ends what still waits, closes the resources and the threads."""
        self.cancel()
        waiting = [run.asyncio_task for run in self.suspended if run.asyncio_task is not None]
        if waiting:
            await asyncio.gather(*waiting, return_exceptions=True)
        if self.ledger is not None:
            await self.ledger.close()
        for resources in self._resources.values():
            await resources.close()
        self.deadlines.close()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def _finished(self, run: Run, task: asyncio.Task[None]) -> None:
        self.suspended.discard(run)
        if not run.waiting:
            self.in_flight -= 1
        self._settle(run, task)
        self._on_done(run)

    def _settle(self, run: Run, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if run.outcome is None:
            run.outcome = Outcome(
                "handed_back" if task.cancelled() else "failed", {}, [], error=error
            )
            if self.telling.on:
                self.telling.run_ended(run, time.monotonic())

    # ------------------------------------------------------------ dispatch
    def agent_of(self, member: str | None) -> Any:
        """The agent's own object, or that of a member; ``None``: it has no class."""
        return self._agents.get(member)

    def bound(self, member: str | None, name: str) -> Any:
        """What a reference names, bound to the agent (or the member) where it is a method of it.

        Raises:
            ResourceError: It is not there.
        """
        return self._bind(member, name)

    def resources_of(self, member: str | None) -> Resources:
        """The resources of the agent (``None``), or of a team's member."""
        return self._resources[member]

    def settings_of(self, member: str | None) -> RuntimeConfig:
        """The settings of the agent (``None``), or of a sub-agent or a team's member."""
        return self._settings[member]

    def lifetimes_of(self, member: str | None) -> Lifetimes:
        """How long the names of the agent (``None``), or of a member, live in short-term memory."""
        return self._lifetimes[member]

    def triggered(self, run: Run, event: Event, member: str | None = None) -> list[BoundAction]:
        """The actions (of a team: of one member) that an event of a run sets off, in plan order.

        Raises:
            ConditionError: A condition failed, and that is to fail the run.
        """
        found: list[BoundAction] = []
        for action, tests in self._candidates(event, member):
            if tests is None or self._holds(run, action, tests, event):
                found.append(action)
        return found

    def _holds(self, run: Run, action: BoundAction, tests: Sequence[Test], event: Event) -> bool:
        failed: ConditionError | None = None
        for test in tests:
            try:
                if test(event, run.item.key):
                    return True
            except ConditionError as error:
                failed = error
        if failed is not None:
            policy = action.spec.on_condition_error or self.plan.config.condition_errors
            if policy == "fail":
                raise failed
            _LOG.warning("the action %s was not triggered: %s", action.name, failed)
            if self.telling.on:
                self.telling.record(run, "action", "skipped", name=action.name, error=str(failed))
        return False

    def check_handled(self, event: Event, member: str | None = None) -> None:
        """Refuses an event that no action is there for.

        Raises:
            ValueError: It names the event and the types that are handled.
        """
        if not self.handles(event, member):
            known = ", ".join(sorted(self.plan.actions_by_event))
            raise ValueError(
                f"the event {event_types(event)[0]!r} triggers no action of {self.plan.name!r} "
                f"(its actions are triggered by: {known})"
            )

    def handles(self, event: Event, member: str | None = None) -> bool:
        """Whether there is an action for an event."""
        return bool(self._candidates(event, member))

    def joins(self, member: str | None = None) -> bool:
        """Whether there is an action for the answers to joined requests."""
        return self.handles(_JOINED, member)

    def _candidates(
        self, event: Event, member: str | None
    ) -> list[tuple[BoundAction, list[Test] | None]]:
        kind: Any = type(event)
        if isinstance(event, NamedEvent) and (
            event.type in self.plan.actions_by_event or event.type in SERVED
        ):  # all other names are one: they may be made of what inputs say
            kind = event.type
        found = self._matching.get((kind, member))
        if found is None:
            types = event_types(event)
            if isinstance(event, MemoryEvent):  # told to those that name it, not to all of "event"
                types = tuple(one for one in types if one != Event.event_type)
            merged: dict[str, tuple[BoundAction, list[Test] | None]] = {}
            for name, action in self._actions.items():
                if action.spec.member != member:
                    continue
                tests: list[Test] = []
                hit = always = False
                for trigger_type, trigger_name, test in self._by_event:
                    if trigger_name == name and trigger_type in types:
                        hit = True
                        always = always or test is None
                        tests.append(test)
                if hit:
                    merged[name] = (action, None if always else tests)
            found = list(merged.values())
            if types[0] in SERVED:
                found.append((self._served(types[0], member), None))
            self._matching[kind, member] = found
        return found

    def _dispatch(self) -> list[tuple[str, str, Test]]:
        compiled: dict[str, Test] = {}
        rows = []
        for name, spec in self.plan.actions.items():
            for trigger in spec.triggers:
                test = None
                if trigger.when is not None:
                    test = compiled.setdefault(trigger.when, compile_condition(trigger.when))
                rows.append((trigger.event, name, test))
        return rows

    def _served(self, event: str, member: str | None) -> BoundAction:
        from headrace.plan import ActionSpec

        spec = ActionSpec(
            name=f"headrace.{event}", function="", mode="async", triggers=(), member=member
        )
        return BoundAction(spec, lambda *_: None, None, event, self._configs[member])

    # ------------------------------------------------------------ the agent
    def _made(self, agent_class: str | None, stored: Mapping[str, Stored]) -> Any:
        if agent_class is None:
            return None
        kind = find(agent_class, self._mains)
        parameters = {name: decode(value) for name, value in stored.items()}
        try:
            return kind.model_validate(parameters, by_alias=False, by_name=True)
        except Exception as error:
            raise ResourceError(
                f"the agent {agent_class} does not take the plan's parameters: {error}"
            ) from error

    def _bind(self, member: str | None, name: str) -> Any:
        """The function of a reference, bound to the agent where it is a method of its class."""
        function = find(name, self._mains)
        agent = self._agents[member]
        owner, _, attribute = name.partition(":")[2].rpartition(".")
        if agent is not None and owner:
            for base in type(agent).__mro__:
                if base.__qualname__ == owner and attribute in vars(base):
                    if isinstance(vars(base)[attribute], staticmethod):
                        return function
                    return function.__get__(agent)
        return function

    def _bound(self, spec: ActionSpec) -> BoundAction:
        timeout = spec.timeout
        if timeout is None:
            timeout = self.settings_of(spec.member).action_timeout
        call = self._bind(spec.member, spec.function)
        if (spec.mode == "async") != inspect.iscoroutinefunction(inspect.unwrap(call)):
            raise ResourceError(
                f"{spec.function} is no longer {spec.mode}, as the plan says: compile it again"
            )
        config = with_settings(self._configs[spec.member], spec)
        model = spec.input_model
        kind: Any = None
        if model is not None:
            kind = InputEvent[find(model, self._mains)]  # type: ignore[misc]
        return BoundAction(spec, call, timeout, None, config, kind)

    async def in_thread(self, call: Callable[[], Any]) -> Any:
        """Calls what may block, in the pool; in a thread of its own where the caller holds one.

        A thread of the pool that waits for another one of the pool could wait for ever.
        """
        loop = asyncio.get_running_loop()
        if not THREAD_HELD.get():
            return await loop.run_in_executor(self.threads, call)
        own = ThreadPoolExecutor(1, thread_name_prefix="headrace-blocking")
        try:
            return await loop.run_in_executor(own, call)
        finally:
            own.shutdown(wait=False)

    @staticmethod
    def hold_thread() -> None:
        """Notes that a thread waits for the present task."""
        THREAD_HELD.set(True)

    @property
    def threads(self) -> ThreadPoolExecutor:
        """The bounded pool of threads, made at its first use."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(
                self.plan.config.blocking_threads, thread_name_prefix="headrace-blocking"
            )
        return self._threads
