"""What the runtime serves itself: chats with their tool rounds, tool calls, and both as events."""

from __future__ import annotations

import asyncio
import functools
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headrace.chat import ChatRequest, ChatResponse, Message, Prompt, Usage
from headrace.errors import NonRetryableError, ToolError
from headrace.events import ChatResponseEvent, ToolResponseEvent
from headrace.interfaces import Toolset
from headrace.policy import FailurePolicy
from headrace.records import TELLER
from headrace.values import encode, to_jsonable

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping, Sequence

    from headrace.events import ChatRequestEvent, ToolRequestEvent
    from headrace.interfaces import ChatModel
    from headrace.operator._context import RunContext
    from headrace.operator._operator import Operator
    from headrace.operator._resources import FunctionTool

__all__ = ["call_tool", "chat", "conversation", "serve_chat", "serve_tool"]

_MODEL_RETRY = FailurePolicy(attempts=4, backoff=0.5, max_backoff=30.0, jitter=0.2)
"""Model calls are tried again when the error says that this may help (``ModelError.retryable``)."""


def conversation(
    messages: str | Prompt | Sequence[Message], fields: Mapping[str, Any]
) -> tuple[Message, ...]:
    """The messages of a chat, from a text, a prompt with its fields, or messages."""
    if isinstance(messages, Prompt):
        return messages.fill(**fields)
    if fields:
        raise TypeError(f"only a Prompt has fields to fill, got {', '.join(fields)}")
    if isinstance(messages, str):
        return (Message(role="user", content=messages),)
    return tuple(messages)


async def chat(
    context: RunContext,
    operator: Operator,
    model: str,
    messages: tuple[Message, ...],
    tools: tuple[str, ...],
    options: dict[str, Any],
) -> ChatResponse:
    """Asks a model until it answers without calling a tool; each request is a durable call."""
    offered = await operator.resources.tools(tools)
    messages = await _with_instructions(context, operator, messages, tools)
    usage = Usage()
    for _ in range(operator.plan.config.max_tool_rounds + 1):
        request = ChatRequest(
            messages=messages, tools=tuple(spec for spec, _ in offered.values()), options=options
        )
        response = await _ask(context, operator, model, request)
        usage = usage + response.usage
        calls = response.message.tool_calls
        if not calls:
            return response.model_copy(update={"usage": usage})
        results = await asyncio.gather(
            *(
                _answer(context, operator, offered.get(call.name), call.name, call.arguments)
                for call in calls
            )
        )
        messages = (
            *messages,
            response.message,
            *(
                Message(role="tool", content=result, tool_call_id=call.id)
                for call, result in zip(calls, results, strict=True)
            ),
        )
    raise NonRetryableError(
        f"the model {model!r} called tools for {operator.plan.config.max_tool_rounds} rounds and "
        "did not answer (the setting max_tool_rounds)"
    )


def call_tool(
    context: RunContext, operator: Operator, name: str, arguments: Mapping[str, Any]
) -> Coroutine[Any, Any, Any]:
    """Calls one of the agent's tools, as a durable call."""
    return context.durable(
        f"tool:{name}",
        encode(dict(arguments)),
        functools.partial(_run_tool, context, operator, name, arguments),
        timeout=None,  # its own, so that the model is told: see _run_tool
    )


async def serve_chat(event: ChatRequestEvent, context: RunContext) -> None:
    """Answers a request that was sent as an event."""
    operator = context._run.operator  # noqa: SLF001 - one part with the context
    response = await _ask(context, operator, event.model, event.request)
    context.send(ChatResponseEvent(request_id=context.event_id, response=response, tag=event.tag))


async def serve_tool(event: ToolRequestEvent, context: RunContext) -> None:
    """Calls a tool that was asked for by an event; a failure is part of the answer."""
    operator = context._run.operator  # noqa: SLF001
    try:
        result = await call_tool(context, operator, event.tool, event.arguments)
        failed = False
    except ToolError as error:
        result, failed = str(error), True
    context.send(
        ToolResponseEvent(request_id=context.event_id, result=result, failed=failed, tag=event.tag)
    )


async def _ask(
    context: RunContext, operator: Operator, model: str, request: ChatRequest
) -> ChatResponse:
    chat_model: ChatModel = await operator.resources.get("chat_models", model)
    response: ChatResponse = await context.durable(
        f"chat:{model}",
        request.model_dump(mode="json"),
        functools.partial(chat_model.chat, request),
        retry=_MODEL_RETRY,
    )
    return response


async def _answer(
    context: RunContext,
    operator: Operator,
    offered: Any,
    name: str,
    arguments: Mapping[str, Any],
) -> str:
    """What a tool call of the model's gives, as text; a failure is told to the model."""
    if offered is None:
        return f"Error: there is no tool called {name!r}."
    try:
        result = await call_tool(context, operator, name, arguments)
    except ToolError as error:
        return f"Error: {error}"
    return result if isinstance(result, str) else json.dumps(to_jsonable(result))


async def _run_tool(
    context: RunContext, operator: Operator, name: str, arguments: Mapping[str, Any]
) -> Any:
    owner = await operator.resources.owner(name)
    tool: Toolset | FunctionTool = await operator.resources.get("tools", owner)
    seconds = operator.plan.config.call_timeout
    if not isinstance(tool, Toolset) and tool.timeout is not None:
        seconds = tool.timeout
    deadline = operator.deadlines.within(seconds)
    try:
        with deadline, _telling(context, operator, name):
            if isinstance(tool, Toolset):
                return await tool.call(name, arguments)
            return await tool.call(arguments, context, operator)
    except (ToolError, NonRetryableError):
        raise
    except Exception as error:
        if deadline.expired and isinstance(error, TimeoutError):
            raise ToolError(f"the tool {name} {error}") from None
        raise ToolError(f"the tool {name} failed: {type(error).__name__}: {error}") from error


async def _with_instructions(
    context: RunContext, operator: Operator, messages: tuple[Message, ...], tools: tuple[str, ...]
) -> tuple[Message, ...]:
    """Puts what the toolsets have to say at the end of the system prompt.

    What is the same each time comes first, so that providers can cache it.
    """
    texts, suggested = [], []
    for name in tools:
        resource = await operator.resources.get("tools", name)
        if not isinstance(resource, Toolset):
            continue
        if text := resource.instructions():
            texts.append(text)
        if resource.selective:
            request = next((one.content for one in reversed(messages) if one.role == "user"), "")
            if text := await _suggestions(context, operator, name, resource, request):
                suggested.append(text)
    joined = "\n\n".join(texts + suggested)
    if not joined:
        return messages
    if messages[0].role == "system":
        system = messages[0].model_copy(update={"content": f"{messages[0].content}\n\n{joined}"})
        return (system, *messages[1:])
    return (Message(role="system", content=joined), *messages)


def _suggestions(
    context: RunContext, operator: Operator, name: str, toolset: Toolset, request: str
) -> Coroutine[Any, Any, str]:
    async def ask() -> str:
        with _telling(context, operator, f"{name}.suggestions"):
            return await toolset.suggestions(request)

    return context.durable(f"suggestions:{name}", request, ask)


@contextmanager
def _telling(context: RunContext, operator: Operator, tool: str) -> Iterator[None]:
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
