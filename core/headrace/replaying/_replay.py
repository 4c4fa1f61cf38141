"""Runs recorded runs again."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError, StateError
from headrace.operator import Journal, Operator, RunInput
from headrace.operator._approvals import Approvals
from headrace.recording import RecordingError, RunRecord
from headrace.replaying._difference import RunDifference, compare
from headrace.replaying._errors import End
from headrace.replaying._loop import QuickLoop
from headrace.replaying._offline import OfflineResources, pinned_as
from headrace.replaying._watch import RunWatch
from headrace.values import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from headrace.operator import Run
    from headrace.plan import AgentPlan, ResourceProvider
    from headrace.recording import Recorded
    from headrace.records import Record
    from headrace.replaying._rules import Rules

__all__ = ["Replay"]

_AT_ONCE = 8
"""Runs that wait for what is really called, at a time."""
_STUCK = "it waits for something that never comes"


class Replay:
    """Recorded runs of an agent, run again on the operator alone.

    Args:
        plan: The agent as it is now.
        rules: What may be called.
        observers: Told of every record of what happens.
        at_once: How many runs may wait for what is really called.
    """

    def __init__(
        self,
        plan: AgentPlan,
        rules: Rules,
        *,
        observers: Sequence[Callable[[Record], None]] = (),
        at_once: int | None = None,
    ) -> None:
        self._plan = plan
        self._rules = rules
        self._observers = observers
        self._at_once = at_once or (_AT_ONCE if rules.live else 1)
        self._loop = QuickLoop()
        self._loop.set_exception_handler(_quiet)
        self._agents: dict[str, _Now] = {}

    def differences(self, runs: Iterable[Recorded]) -> Iterator[RunDifference]:
        """What differs in each run, in their order.

        Raises:
            RecordingError: A run names classes of modules that are not the agent's.
            HeadraceError: The agent cannot be made.
        """
        waiting: deque[_Again] = deque()
        broken: RecordingError | None = None
        try:
            for recorded in runs:
                waiting.append(self._begin(recorded))
                if len(waiting) >= self._at_once:
                    yield self._end(waiting.popleft())
        except RecordingError as error:
            broken = error  # what stands before it counts
        while waiting:
            yield self._end(waiting.popleft())
        if broken is not None:
            raise broken

    def close(self) -> None:
        """Ends what is under way and closes what was built."""
        loop = self._loop
        loop.busy += 1  # what closes may wait for processes and threads, in the world's time
        for now in self._agents.values():
            loop.run_until_complete(now.close())
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    # ------------------------------------------------------------ one run
    def _begin(self, recorded: Recorded) -> _Again:
        run = recorded.run
        now = self._agents.get(run.plan)
        if now is None:
            now = self._agents[run.plan] = _Now(
                self._plan, recorded.plan, self._loop, self._rules, self._observers
            )
        now.check_types(recorded)
        watch = RunWatch(recorded, self._rules, self._loop, now.other_model)
        again = _Again(recorded, watch, now.operator_for(watch))
        try:
            key = decode(run.key)
        except StateError as error:
            again.unreadable = error
            return again
        item = RunInput(key, run.key_id, run.input, run.sequence, run.timestamp)
        if run.inputs_ended:
            again.operator.approvals.expire()
        journal = Journal({"attempts": run.attempts, "calls": {}}) if run.attempts else None
        again.run = again.operator.begin(item, run.memory, journal)
        return again

    def _end(self, again: _Again) -> RunDifference:
        run = again.run
        if run is not None and run.outcome is None and run.asyncio_task is not None:
            if not self._loop.turn_until(run.asyncio_task):
                again.stuck = True
            again.operator.cancel()
            self._loop.turn_until(run.asyncio_task)
        again.watch.close()
        difference = again.difference()
        self._agents[again.recorded.run.plan].free(again.operator)
        return difference


class _Again:
    """A run that is run again."""

    def __init__(self, recorded: Recorded, watch: RunWatch, operator: Operator) -> None:
        self.recorded = recorded
        self.watch = watch
        self.operator = operator
        self.run: Run | None = None
        self.stuck = False
        self.unreadable: HeadraceError | None = None

    def difference(self) -> RunDifference:
        """What differs, when it has ended."""
        after = RunRecord.model_validate(self._record())
        return compare(
            self.recorded.run, after, place=self.recorded.place, not_recorded=self.watch.missing
        )

    def _record(self) -> dict[str, Any]:
        before = self.recorded.run
        notes = self.watch.notes
        if notes is None or self.run is None or self.run.outcome is None:
            error = self.unreadable or HeadraceError(_STUCK)
            ended = {"status": "failed", "error": _told(error), "calls": [], "outputs": []}
            return {**dict(before), **ended, "changes": {}, "usage": {}}
        record = notes.record(before.plan)
        if self.stuck:
            record |= {"status": "failed", "error": _told(HeadraceError(_STUCK))}
        elif record["status"] == "handed_back":
            record["status"] = "failed"
        return record


class _Now:
    """The agent as it is now, beside what it was when runs were recorded."""

    def __init__(
        self,
        plan: AgentPlan,
        recorded: AgentPlan,
        loop: QuickLoop,
        rules: Rules,
        observers: Sequence[Callable[[Record], None]],
    ) -> None:
        self.plan = pinned_as(plan, recorded)
        self._recorded = recorded
        self._loop = loop
        self._others: dict[tuple[str | None, str], str | None] = {}
        self._observers = observers
        self._free: list[Operator] = []
        self._operators: list[Operator] = []
        first = self._new_operator()
        members = self.plan.owners
        self._resources = {
            member: OfflineResources.of(first, member, loop, rules) for member in members
        }
        self.free(first)
        modules = {*plan.modules, *recorded.modules} - {"__main__"}
        brought = {
            provider.target.partition(":")[0]
            for providers in plan.resource_providers.values()
            for provider in providers.values()
            if provider.target
        }
        self._packages = {name.partition(".")[0] for name in modules | brought} | {"headrace"}

    def operator_for(self, watch: RunWatch) -> Operator:
        """An operator for one run, which has a time of its own; what is built serves all."""
        found = self._free.pop() if self._free else self._new_operator()
        found._resources = dict(self._resources)  # noqa: SLF001 - one part with the operator
        found.watch, found.clock = watch, watch.clock
        found.approvals = Approvals(found, None, None)
        return found

    def free(self, operator: Operator) -> None:
        """Takes back the operator of a run that has ended."""
        self._free.append(operator)

    async def close(self) -> None:
        """Ends what is under way and closes what was built."""
        for operator in self._operators[1:]:
            operator._resources = {}  # noqa: SLF001 - those of the first one, which come last
            await operator.close()
        self._operators[0]._resources = dict(self._resources)  # noqa: SLF001
        await self._operators[0].close()

    def _new_operator(self) -> Operator:
        made = Operator(self.plan, self._loop, on_done=_nothing, observers=self._observers)
        self._operators.append(made)
        return made

    def other_model(self, member: str | None, name: str) -> str | None:
        """In words, how a chat model is another one than was recorded; ``None``: it is not."""
        place = (member, name)
        if place not in self._others:
            self._others[place] = _changed(
                _provider(self._recorded, member, name), _provider(self.plan, member, name)
            )
        return self._others[place]

    def check_types(self, recorded: Recorded) -> None:
        """Refuses classes of modules that are not the agent's: to look one up is to import it.

        Raises:
            RecordingError: It names the class and the line.
        """
        run = recorded.run
        failed = [call.outcome for call in run.calls if call.state == "failed"]
        for error in failed:
            _check_failure(error, recorded.place)
        kept = [call.outcome for call in run.calls]
        for name in _types([run.key, run.input, run.memory, kept]):
            if not self._allowed(name):
                raise RecordingError(
                    f"{recorded.place}: a value is of the class {name}, whose module the agent "
                    "does not use; where it does, import it in the agent's module"
                )
        for error in failed:
            if not self._allowed(error["type"]):
                error.pop("args", None)  # then it is told by its name, and nothing is imported

    def _allowed(self, reference: str) -> bool:
        module = reference.partition(":")[0]
        return module in sys.modules or module.partition(".")[0] in self._packages


def _types(values: list[Any]) -> Iterator[str]:
    """The classes that stored forms name."""
    waiting: list[Any] = values
    while waiting:
        value = waiting.pop()
        if type(value) is list:
            waiting += value
        elif type(value) is dict:
            if "$" in value and type(value.get("t")) is str:
                yield value["t"]
            waiting += value.values()


def _check_failure(error: Any, place: str) -> None:
    texts = isinstance(error, dict) and [type(error.get(name)) for name in ("type", "text")]
    if texts != [str, str] or (("args" in error) != ("attributes" in error)):
        raise RecordingError(f"{place}: a call failed, and its error is none")


def _provider(plan: AgentPlan, member: str | None, name: str) -> ResourceProvider | None:
    return plan.resources_of(member).get("chat_models", {}).get(name)


def _changed(before: ResourceProvider | None, now: ResourceProvider | None) -> str | None:
    if before is None or now is None:
        return None  # nothing to compare: the request tells
    if before.target != now.target:
        return f"{before.plugin or before.target} then, {now.plugin or now.target} now"
    names = sorted({*before.arguments, *now.arguments})
    changed = [
        f"{name}={before.arguments.get(name)!r} then, {now.arguments.get(name)!r} now"
        for name in names
        if before.arguments.get(name) != now.arguments.get(name)
    ]
    return "; ".join(changed) or None


def _told(error: Exception) -> dict[str, str]:
    kind = type(error)
    return {"type": f"{kind.__module__}:{kind.__qualname__}", "text": str(error)}


def _quiet(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Says nothing of a task that nobody waited for and whose run was ended."""
    if not isinstance(context.get("exception"), End):
        loop.default_exception_handler(context)


def _nothing(_run: Run) -> None:
    """A run is asked when it is its turn."""
