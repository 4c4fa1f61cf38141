"""Tool calls: durable, within their time, with what they tell the observers."""

from __future__ import annotations

import functools
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headrace.chat import Message, ToolResult
from headrace.errors import NonRetryableError, ToolError
from headrace.interfaces import CALLER, Caller, Toolset
from headrace.records import TELLER
from headrace.values import decode, encode, to_jsonable

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping

    from headrace.chat import Image, ToolCall
    from headrace.operator._context import RunContext
    from headrace.operator._operator import Operator
    from headrace.operator._resources import FunctionTool
    from headrace.values import Stored

__all__ = ["answer", "call_tool", "telling"]


def call_tool(
    context: RunContext, operator: Operator, name: str, arguments: Mapping[str, Any]
) -> Coroutine[Any, Any, Any]:
    """Calls one of the agent's tools, as a durable call."""
    identity = encode(dict(arguments))
    if context.resources.approvals:
        return _approved(context, operator, name, identity, arguments)
    return _call(context, operator, name, identity, arguments)


async def _approved(
    context: RunContext,
    operator: Operator,
    name: str,
    identity: Stored,
    arguments: Mapping[str, Any],
) -> Any:
    """Calls a tool when it may be called."""
    owner = await context.resources.owner(name)
    rule = context.resources.approval(owner)
    if rule is not None:
        tool: Toolset | FunctionTool = await context.resources.get("tools", owner)
        # What a rule looks at, and a person decides on, is what the function would be given.
        seen = arguments if isinstance(tool, Toolset) else tool.whole(arguments)
        await operator.approvals.check(
            context, rule, name, to_jsonable(dict(seen)), strict=not isinstance(tool, Toolset)
        )
    return await _call(context, operator, name, identity, arguments)


def _call(
    context: RunContext,
    operator: Operator,
    name: str,
    identity: Stored,
    arguments: Mapping[str, Any],
) -> Coroutine[Any, Any, Any]:
    if name in context.resources.tools_with_context:
        return _with_context(context, operator, name, identity, arguments)
    return context.durable(
        f"tool:{name}",
        identity,
        functools.partial(_run_tool, context, operator, name, arguments),
        timeout=None,  # its own, so that the model is told: see _run_tool
    )


def _with_context(
    context: RunContext,
    operator: Operator,
    name: str,
    identity: Stored,
    arguments: Mapping[str, Any],
) -> Coroutine[Any, Any, Any]:
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
            result = encode(await _run_tool(own, operator, name, arguments))
            effects = own.effects()
            context.take(effects)  # in its turn: the next one sees it
            made = True
        return {"result": result, "effects": effects}

    call = context.durable(f"tool:{name}", identity, make, timeout=None)

    async def finish() -> Any:
        kept = await call
        if not made:
            context.take(kept["effects"])
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
    if known is None:
        return _said(call, f"Error: there is no tool called {call.name!r}.")
    try:
        result = await call_tool(context, operator, call.name, call.arguments)
    except ToolError as error:
        result = f"Error: {error}"
    images: tuple[Image, ...] = ()
    if isinstance(result, ToolResult):
        images, result = result.images, result.text
    text = result if isinstance(result, str) else json.dumps(to_jsonable(result))
    limit = operator.plan.config.max_tool_result
    if len(text) > limit:
        text = f"{text[:limit]}\n[cut: {limit} of {len(text)} characters]"
    return _said(call, text).model_copy(update={"images": images})


def _said(call: ToolCall, text: str) -> Message:
    return Message(role="tool", content=text, tool_call_id=call.id)


async def _run_tool(
    context: RunContext, operator: Operator, name: str, arguments: Mapping[str, Any]
) -> Any:
    owner = await context.resources.owner(name)
    tool: Toolset | FunctionTool = await context.resources.get("tools", owner)
    seconds = operator.plan.config.call_timeout
    if not isinstance(tool, Toolset) and tool.timeout is not None:
        seconds = tool.timeout
    deadline = operator.deadlines.within(seconds)
    try:
        with deadline, telling(context, operator, name):
            if isinstance(tool, Toolset):
                run = context._run  # noqa: SLF001 - one part with the context
                token = CALLER.set(Caller(operator.plan.name, run.item.key_id, run.id))
                try:
                    return await tool.call(name, arguments)
                finally:
                    CALLER.reset(token)
            return await tool.call(arguments, context, operator)
    except (ToolError, NonRetryableError):
        raise
    except Exception as error:
        if deadline.expired and isinstance(error, TimeoutError):
            raise ToolError(f"the tool {name} {error}") from None
        raise ToolError(f"the tool {name} failed: {type(error).__name__}: {error}") from error


@contextmanager
def telling(context: RunContext, operator: Operator, tool: str) -> Iterator[None]:
    """Lets what is called tell the observers, where there are some (``headrace.records.tell``)."""
    if not operator.observing:
        yield
        return
    run, task = context._run, context._task  # noqa: SLF001 - one part with the context

    def teller(what: str, name: str, data: dict[str, Any]) -> None:
        operator.record(
            run, "resource", what, name=name, id=tool, cause=f"{run.id}/{task.id}", data=data
        )

    token = TELLER.set(teller)
    try:
        yield
    finally:
        TELLER.reset(token)
