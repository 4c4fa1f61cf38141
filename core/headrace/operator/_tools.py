"""Tool calls: durable, within their time, with what they tell the observers."""

from __future__ import annotations

import functools
import json
import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.chat import Message, ToolResult
from headrace.errors import (
    HeadraceError,
    NonRetryableError,
    ToolArgumentsError,
    ToolError,
    ToolFailedError,
)
from headrace.interfaces import CALLER, Caller, Toolset
from headrace.operator._done import do_again, done_by
from headrace.operator._hidden import filled_in
from headrace.records import TELLER
from headrace.values import decode, encode, to_jsonable

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping

    from headrace.chat import Image, ToolCall
    from headrace.hidden import Source
    from headrace.operator._context import RunContext
    from headrace.operator._operator import Operator
    from headrace.operator._resources import FunctionTool
    from headrace.values import Stored

__all__ = ["answer", "call_tool", "telling"]

_LOG = logging.getLogger("headrace.tools")


def call_tool(
    context: RunContext, operator: Operator, name: str, arguments: Mapping[str, Any]
) -> Coroutine[Any, Any, Any]:
    """Calls one of the agent's tools, or a sub-agent, as a durable call."""
    if name in context.resources.agents:
        from headrace.operator._agents import call_agent_as_tool

        return call_agent_as_tool(context, name, arguments)
    identity = encode(dict(arguments))
    resources = context.resources
    hidden: dict[str, Any] = {}
    if sources := resources.hidden.get(name):
        # Now, in the order of the calls: not when it is the call's turn.
        hidden, missing = filled_in(context, sources)
        if missing:
            return _not_called(context, operator, name, missing)
    call = _Call(name, identity, arguments, hidden)
    if resources.approvals:
        return _approved(context, operator, call)
    return _call(context, operator, call)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of a tool: by whom it was asked for is known by ``identity``, which hides nothing."""

    name: str
    identity: Stored
    arguments: Mapping[str, Any]
    hidden: Mapping[str, Any]


async def _not_called(
    context: RunContext, operator: Operator, name: str, missing: Mapping[str, Source]
) -> Any:
    paths = ", ".join(
        f"{parameter} ({source.what} {source.path})" for parameter, source in missing.items()
    )
    text = f"the tool {name} was not called: what it needs is not there: {paths}"
    _observe(context, operator, name, text)
    raise _failure(context.resources.fails_run(name), text)


async def _approved(context: RunContext, operator: Operator, call: _Call) -> Any:
    """Calls a tool when it may be called."""
    owner = await _owner(context, call.name)
    rule = context.resources.approval(owner)
    if rule is not None:
        tool: Toolset | FunctionTool = await context.resources.get("tools", owner)
        # What a rule looks at, and a person decides on, is what the function would be given.
        seen = call.arguments if isinstance(tool, Toolset) else tool.whole(call.arguments)
        await operator.approvals.check(
            context, rule, call.name, to_jsonable(dict(seen)), strict=not isinstance(tool, Toolset)
        )
    return await _call(context, operator, call)


def _call(context: RunContext, operator: Operator, call: _Call) -> Coroutine[Any, Any, Any]:
    if call.name in context.resources.tools_with_context:
        return _with_context(context, operator, call)
    return context.durable(
        f"tool:{call.name}",
        call.identity,
        functools.partial(_run_tool, context, operator, call),
        timeout=None,  # its own, so that the model is told: see _run_tool
    )


def _with_context(context: RunContext, operator: Operator, call: _Call) -> Coroutine[Any, Any, Any]:
    """Calls a tool that is given a context or memory.

    It works on one of its own. What it did is recorded with its result, and becomes the action's
    when it has ended, now or in a replay. Such tools go one after the other, in the order of their
    calls: so what they write does not depend on their speed.
    """
    own = context.of_tool()
    made = False

    async def make() -> dict[str, Any]:
        nonlocal made
        async with context.turn:
            result = encode(await _run_tool(own, operator, call))
            effects = done_by(own)
            do_again(context, effects)  # in its turn: the next one sees it
            made = True
        return {"result": result, "effects": effects}

    durable = context.durable(f"tool:{call.name}", call.identity, make, timeout=None)

    async def finish() -> Any:
        kept = await durable
        if not made:
            do_again(context, kept["effects"])
        return decode(kept["result"])

    return finish()


async def answer(context: RunContext, operator: Operator, call: ToolCall, known: object) -> Message:
    """The message that answers a model's call; a failure is told to the model.

    Args:
        context: The action's.
        operator: The operator.
        call: What the model calls.
        known: ``None`` where it was offered no such tool.
    """
    failed = False
    try:
        if known is None:
            text = f"there is no tool called {call.name!r}"
            _observe(context, operator, call.name, text)
            _no_such_tool(context, text)
        result = await call_tool(context, operator, call.name, call.arguments)
    except ToolError as error:
        result, failed = f"Error: {error}", True
    images: tuple[Image, ...] = ()
    if isinstance(result, ToolResult):
        images, result = result.images, result.text
    text = result if isinstance(result, str) else json.dumps(to_jsonable(result))
    limit = context.settings.max_tool_result
    if len(text) > limit:
        text = f"{text[:limit]}\n[cut: {limit} of {len(text)} characters]"
    return Message(role="tool", content=text, tool_call_id=call.id, images=images, failed=failed)


async def _owner(context: RunContext, name: str) -> str:
    """The resource that serves a tool; where there is none, that is a failure of the call."""
    try:
        return await context.resources.owner(name)
    except ToolError as error:
        _no_such_tool(context, str(error))
        raise


def _no_such_tool(context: RunContext, text: str) -> None:
    if context.resources.fails_run(None):
        # What the model wished for is recorded: a further attempt would have the same wish.
        raise NonRetryableError(text)
    raise ToolError(text)


def _failure(fails_run: bool, text: str, why: str = "") -> HeadraceError:  # noqa: FBT001 - an answer
    return ToolFailedError(text + why) if fails_run else ToolError(text)


def _observe(context: RunContext, operator: Operator, tool: str, error: str) -> None:
    """Tells the observers of a call that was not made."""
    if operator.telling.on:
        run, task = context._run, context._task  # noqa: SLF001 - one part with the context
        operator.telling.refused(task)
        operator.telling.record(
            run,
            "call",
            "failed",
            name=f"tool:{tool}",
            cause=task.id,
            attempt=task.attempt,
            error=error,
        )


async def _run_tool(context: RunContext, operator: Operator, call: _Call) -> Any:
    name = call.name
    owner = await _owner(context, name)
    fails_run = context.resources.fails_run(owner)
    tool: Toolset | FunctionTool = await context.resources.get("tools", owner)
    seconds = context.settings.call_timeout
    if not isinstance(tool, Toolset) and tool.timeout is not None:
        seconds = tool.timeout
    deadline = operator.deadlines.within(seconds)
    try:
        with deadline, telling(context, operator, name):
            if isinstance(tool, Toolset):
                run = context._run  # noqa: SLF001 - one part with the context
                token = CALLER.set(Caller(operator.plan.identity, run.item.key_id, run.id))
                try:
                    return await tool.call(name, call.arguments)
                finally:
                    CALLER.reset(token)
            return await tool.call(call.arguments, context, operator, call.hidden)
    except (ToolArgumentsError, NonRetryableError):
        raise
    except ToolError as error:
        if fails_run:
            raise ToolFailedError(f"the tool {name} failed: {error}") from error
        raise
    except (Exception, SystemExit) as error:
        if deadline.expired and isinstance(error, TimeoutError):
            raise _failure(fails_run, f"the tool {name} {error}") from None
        # What it raised may hold secrets: it is for the log, and for no model.
        _LOG.warning("the tool %s failed (run %s)", name, context.run_id, exc_info=error)
        why = f": {type(error).__name__}: {error}"
        raise _failure(fails_run, f"the tool {name} failed", why) from error


@contextmanager
def telling(context: RunContext, operator: Operator, tool: str) -> Iterator[None]:
    """Lets what is called tell the observers, where there are some (``headrace.records.tell``)."""
    if not operator.telling.on:
        yield
        return
    teller = operator.telling.of_resource(context.run, context.task, tool)
    token = TELLER.set(teller)
    try:
        yield
    finally:
        TELLER.reset(token)
