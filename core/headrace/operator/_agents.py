"""Sub-agents: an agent that an action, or a model, asks within the same run."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from headrace.chat import ToolSpec
from headrace.errors import (
    BudgetExceededError,
    CallTimeoutError,
    HeadraceError,
    MemoryConflictError,
    MemoryValueError,
    NonDeterminismError,
    NonRetryableError,
    SubAgentError,
    ToolError,
    ToolFailedError,
)
from headrace.memory import MEMBER, Changes, lasting, path_of, root_of
from headrace.metrics import Measured
from headrace.models._forms import FormError, schema_checker
from headrace.operator._action_task import ActionFailure
from headrace.operator._branch import Branch
from headrace.operator._done import given_back, kept
from headrace.operator._effects import Effect
from headrace.values import decode, digest, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from headrace.operator._context import RunContext
    from headrace.plan import ResourceProvider
    from headrace.values import Stored

_LOG = logging.getLogger("headrace.tools")
_TOLD = (BudgetExceededError, CallTimeoutError)
"""Failures whose text is ours."""

__all__ = ["Asked", "SubAgentTool", "call_agent", "call_agent_as_tool"]


class SubAgentTool:
    """A sub-agent as it is declared: what a model is told of it, and how it is asked.

    Args:
        provider: Its place in the plan.
    """

    def __init__(self, provider: ResourceProvider) -> None:
        arguments = provider.arguments
        self.spec = ToolSpec.model_validate(arguments["spec"])
        self.member: str = provider.name
        self.timeout: float | None = arguments.get("timeout")
        self.many: bool = arguments.get("many", False)
        self.one_at_a_time: bool = arguments.get("one_at_a_time", False)
        self._whole: bool = arguments.get("whole", False)

    @functools.cached_property
    def _check(self) -> Callable[[Any], Any]:
        return schema_checker(self.spec.parameters)

    def input_of(self, arguments: Mapping[str, Any]) -> Any:
        """The sub-agent's input for a model's arguments.

        Raises:
            ToolError: They do not fit.
        """
        try:
            self._check(dict(arguments))
        except FormError as error:
            told = str(error).replace("the answer", "arguments", 1)
            raise ToolError(
                f"the arguments of the tool {self.spec.name} do not fit: {told}"
            ) from None
        return dict(arguments) if self._whole else arguments["input"]


class Asked:
    """What an action's sub-agents have written so far, and in which order they did."""

    __slots__ = ("ended", "turns", "written")

    def __init__(self) -> None:
        self.ended = 0
        self.written: dict[str, tuple[int, Any]] = {}
        self.turns: dict[str, asyncio.Lock] = {}

    def turn(self, member: str) -> asyncio.Lock:
        """Lets the calls of one sub-agent go one after the other."""
        return self.turns.setdefault(member, asyncio.Lock())

    def join(self, changes: Changes, begun: int, member: str) -> None:
        """Takes note of what a call has written that was made when ``begun`` others had ended.

        Raises:
            MemoryConflictError: One that it did not see has written another value.
        """
        for name, cell in changes.items():
            before = self.written.get(name)
            if before is not None and before[0] > begun and lasting(before[1]) != lasting(cell):
                shown = "/".join(path_of(name.rpartition(MEMBER)[2]))
                raise MemoryConflictError(
                    f"two calls of the sub-agent {member!r} overlapped and both wrote {shown!r} in "
                    "memory. Await one before the other, or declare it by "
                    "sub_agent(..., one_at_a_time=True)."
                )
        self.ended += 1
        for name, cell in changes.items():
            self.written[name] = (self.ended, cell)


def call_agent(context: RunContext, name: str, value: Any) -> Coroutine[Any, Any, Any]:
    """Asks a sub-agent: a durable call, in which it goes its own steps; see ``Context.agent``."""
    declared = context.resources.agent(name)
    try:
        stored = encode(value)
    except MemoryValueError as error:
        raise MemoryValueError(
            f"the input of the sub-agent {name!r} cannot be sent: {error}"
        ) from None
    own = context.member
    member = declared.member if own is None else f"{own}.{declared.member}"
    asked = digest(stored)
    number = context.calls.number(f"asked {name} {asked}")
    path = f"{context.task.id}/{name}~{asked[:12]}~{number}"
    call = _Call(context, declared, member, path, stored)
    made = context.durable(f"agent:{name}", stored, call.make, timeout=None)

    async def finish() -> Any:
        kept_of_it = await made
        if not call.made:  # it had finished before
            call.join(kept_of_it["memory"])
            context.measure(Measured.of(kept_of_it.get("metrics")))
            context.held += [Effect.read(one) for one in kept_of_it.get("held", ())]
        outputs = [decode(output) for output in kept_of_it["outputs"]]
        if declared.many:
            return outputs
        return outputs[0] if outputs else None

    return finish()


async def call_agent_as_tool(context: RunContext, name: str, arguments: Mapping[str, Any]) -> Any:
    """Asks a sub-agent for a model.

    Raises:
        ToolError: The arguments do not fit, or the sub-agent failed.
        ToolFailedError: It failed, where failures of tools fail the run (``tool_errors``).
    """
    value = context.resources.agent(name).input_of(arguments)
    try:
        return await call_agent(context, name, value)
    except SubAgentError as error:
        if context.settings.tool_errors == "fail":
            raise ToolFailedError(str(error)) from error
        _LOG.warning("a sub-agent failed (run %s)", context.run_id, exc_info=error)
        raise ToolError(error.told) from error


class _Call:
    """One call of a sub-agent."""

    def __init__(
        self, context: RunContext, declared: SubAgentTool, member: str, path: str, value: Stored
    ) -> None:
        self._context = context
        self._declared = declared
        self._member = member
        self._path = path
        self._value = value
        # What it sees of memory is settled now, in the order of the code, not when it starts.
        self._look()
        self.made = False

    def _look(self) -> None:
        own = root_of(self._member)
        so_far = self._context.memory_so_far
        self._before = {name: cell for name, cell in so_far.items() if name.startswith(own)}
        self._begun = self._context.asked.ended

    async def make(self) -> dict[str, Any]:
        declared, context = self._declared, self._context
        serial = declared.one_at_a_time
        async with context.asked.turn(declared.member) if serial else nullcontext():
            if serial:
                self._look()
            branch = await self._run()
            if not declared.many and len(branch.outputs) > 1:
                raise self._failure(
                    HeadraceError(
                        f"it put out {len(branch.outputs)} values: declare it by "
                        "sub_agent(..., many=True) to be given a list"
                    )
                )
            memory = kept(branch.changes)
            self.join(memory)
            context.held += branch.effects
            self.made = True
        context.run.journaled().forget(self._path)
        kept_of_it = {"outputs": branch.outputs, "memory": memory}
        if branch.measured:
            context.measure(branch.measured)
            kept_of_it["metrics"] = branch.measured.stored()
        if branch.effects:
            kept_of_it["held"] = [effect.stored() for effect in branch.effects]
        return kept_of_it

    def join(self, memory: Stored) -> None:
        """Makes what it wrote the asking action's."""
        changes = given_back(memory)
        self._context.asked.join(changes, self._begun, self._declared.member)
        self._context.short_term.changes.update(changes)

    async def _run(self) -> Branch:
        run, task = self._context.run, self._context.task
        operator = run.operator
        start = operator.plan.start_of(self._member)
        branch = Branch(
            run,
            start,
            self._value,
            member=self._member,
            path=self._path,
            asked_by=task,
            before=self._before,
        )
        telling, began = operator.telling, time.monotonic()
        if telling.on:
            telling.agent(task, "started", self._member, self._path)
        branch.deadline = operator.deadlines.within(self._declared.timeout)
        try:
            with branch.deadline:
                await branch.execute()
        except (ActionFailure, HeadraceError, TimeoutError) as raised:
            error = raised.error if isinstance(raised, ActionFailure) else raised
            if branch.deadline.expired and isinstance(raised, TimeoutError):
                error = CallTimeoutError(f"it {raised}")
            if telling.on:
                telling.agent(task, "failed", self._member, self._path, began, error)
            if self._passes(error):
                raise error from raised
            raise self._failure(error) from error
        if telling.on:
            telling.agent(task, "finished", self._member, self._path, began)
        return branch

    def _passes(self, error: Exception) -> bool:
        """Whether it is no failure of the sub-agent's, but of the run around it."""
        if isinstance(error, BudgetExceededError):
            return error.agent != self._member
        return isinstance(error, NonDeterminismError)

    def _failure(self, error: Exception) -> SubAgentError:
        told = f"the sub-agent {self._declared.member!r} failed"
        why = f": {type(error).__name__}: {error}"
        retryable = getattr(error, "retryable", not isinstance(error, NonRetryableError))
        return SubAgentError(
            told + why,
            told=told + why if isinstance(error, _TOLD) else told,
            agent=self._member,
            retryable=retryable,
            retry_after=getattr(error, "retry_after", None),
        )
