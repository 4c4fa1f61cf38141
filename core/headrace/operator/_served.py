"""What the runtime serves itself: chats, tool calls and searches that events ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.chat import ChatRequest
from headrace.errors import ToolError
from headrace.events import (
    ChatDeltaEvent,
    ChatResponseEvent,
    RetrievalResponseEvent,
    ToolResponseEvent,
)
from headrace.operator._chat import COMMON, Chat, ask, ask_in_parts
from headrace.operator._prompting import Opening
from headrace.operator._tools import call_tool, telling
from headrace.references import find
from headrace.values import encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headrace.chat import ChatResponse
    from headrace.events import ChatRequestEvent, RetrievalRequestEvent, ToolRequestEvent
    from headrace.operator._context import RunContext

__all__ = ["SERVED"]


async def serve_chat(event: ChatRequestEvent, context: RunContext) -> None:
    """Answers a request that was sent as an event."""
    operator = context._run.operator  # noqa: SLF001 - one part with the context
    given = None if event.request is None else event.request.messages
    opening = Opening(context, event.model, given, event.prompt, event.fields)
    if event.tools or event.output is not None:
        response = await _chat(event, opening, context)
        context.send(
            ChatResponseEvent(request_id=context.event_id, response=response, tag=event.tag)
        )
        return
    messages = await opening.messages()
    request = ChatRequest(messages=messages)
    if event.request is not None:
        request = event.request.model_copy(update={"messages": messages})
    if not event.stream:
        response = await ask(context, operator, event.model, request)
    else:
        response, parts = await ask_in_parts(context, operator, event.model, request)
        for number, part in enumerate(parts):
            context.send(
                ChatDeltaEvent(
                    request_id=context.event_id, number=number, delta=part, tag=event.tag
                )
            )
    context.send(ChatResponseEvent(request_id=context.event_id, response=response, tag=event.tag))


async def _chat(event: ChatRequestEvent, opening: Opening, context: RunContext) -> ChatResponse:
    """The same as ``ctx.chat`` gives: tools are called, the form is kept."""
    request, output = event.request, event.output
    options: dict[str, Any] = {}
    if request is not None:
        said = {name: getattr(request, name) for name in COMMON if name in request.model_fields_set}
        options = {**request.options, **said}
    chat = Chat(
        context,
        context._run.operator,  # noqa: SLF001
        event.model,
        event.tools,
        find(output) if isinstance(output, str) else output,
        None,
        options,
    )
    return await chat.ask(opening)


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


async def serve_retrieval(event: RetrievalRequestEvent, context: RunContext) -> None:
    """Searches for passages that were asked for by an event: a durable call."""
    operator = context._run.operator  # noqa: SLF001

    async def make() -> list[dict[str, Any]]:
        from headrace.retrieval import retrieve
        from headrace.vectors import VectorQuery

        store = await context.resources.get("vector_stores", event.store)
        embedder = None
        if event.embedder is not None:
            embedder = await context.resources.get("embedding_models", event.embedder)
        query = VectorQuery(
            event.query,
            event.limit,
            where=event.where,
            mode=event.mode,
            collection=event.collection,
        )
        with telling(context, operator, event.store):
            return await retrieve(store, query, embedder=embedder, name=event.store)

    told = (event.embedder, event.query, event.limit, event.where, event.mode, event.collection)
    asked = encode(list(told))
    items = await context.durable(f"retrieval:{event.store}", asked, make)
    context.send(RetrievalResponseEvent(request_id=context.event_id, items=items, tag=event.tag))


SERVED: dict[str, Callable[[Any, RunContext], Awaitable[None]]] = {
    "chat_request": serve_chat,
    "tool_request": serve_tool,
    "retrieval_request": serve_retrieval,
}
"""Who serves an event, by its type."""
