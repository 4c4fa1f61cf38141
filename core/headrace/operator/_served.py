"""What the runtime serves itself: chats, tool calls and searches that events ask for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from headrace.chat import ChatRequest
from headrace.errors import NonRetryableError, ToolError
from headrace.events import (
    ChatDeltaEvent,
    ChatResponseEvent,
    JoinResponseEvent,
    RetrievalResponseEvent,
    ToolResponseEvent,
)
from headrace.operator._chat import COMMON, Chat, ask, ask_in_parts
from headrace.operator._gathering import together
from headrace.operator._prompting import Opening
from headrace.operator._tools import call_tool, telling
from headrace.references import find
from headrace.values import encode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from headrace.chat import ChatResponse
    from headrace.events import (
        ChatRequestEvent,
        Event,
        JoinRequestEvent,
        RetrievalRequestEvent,
        ToolRequestEvent,
    )
    from headrace.operator._context import RunContext

__all__ = ["SERVED", "Answer", "serve"]


class Answer:
    """What the runtime answers to a request, for those that join it with others."""

    __slots__ = ("_event", "_given")

    def __init__(self) -> None:
        self._given = asyncio.Event()
        self._event: Any = None

    def give(self, event: Event) -> None:
        """Takes the answer."""
        self._event = event
        self._given.set()

    async def wait(self) -> Any:
        """The answer, once it is there."""
        await self._given.wait()
        return self._event


async def serve(event: Event, context: RunContext) -> None:
    """Answers a request that was sent as an event, by events that carry its id."""
    responses = await SERVED[event.event_type](event, context, context.event_id)
    for response in responses:
        if not context.joins_alone(response):
            context.send(response)
    context.answers[context.event_id].give(responses[-1])


async def _answer_chat(
    event: ChatRequestEvent, context: RunContext, request_id: str
) -> list[Event]:
    """Asks a chat model; the response comes last."""
    operator = context._run.operator  # noqa: SLF001 - one part with the context
    given = None if event.request is None else event.request.messages
    opening = Opening(context, event.model, given, event.prompt, event.fields)
    if event.tools or event.output is not None:
        response = await _chat(event, opening, context)
        return [ChatResponseEvent(request_id=request_id, response=response, tag=event.tag)]
    messages = await opening.messages()
    request = ChatRequest(messages=messages)
    if event.request is not None:
        request = event.request.model_copy(update={"messages": messages})
    told: list[Event] = []
    if not event.stream:
        response = await ask(context, operator, event.model, request)
    else:
        response, parts = await ask_in_parts(context, operator, event.model, request)
        told += [
            ChatDeltaEvent(request_id=request_id, number=number, delta=part, tag=event.tag)
            for number, part in enumerate(parts)
        ]
    return [*told, ChatResponseEvent(request_id=request_id, response=response, tag=event.tag)]


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


async def _answer_tool(
    event: ToolRequestEvent, context: RunContext, request_id: str
) -> list[Event]:
    """Calls a tool that was asked for by an event; a failure is part of the answer."""
    operator = context._run.operator  # noqa: SLF001
    try:
        result = await call_tool(context, operator, event.tool, event.arguments)
        failed = False
    except ToolError as error:
        result, failed = str(error), True
    response = ToolResponseEvent(request_id=request_id, result=result, failed=failed, tag=event.tag)
    return [response]


async def _answer_retrieval(
    event: RetrievalRequestEvent, context: RunContext, request_id: str
) -> list[Event]:
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
    return [RetrievalResponseEvent(request_id=request_id, items=items, tag=event.tag)]


async def _answer_join(
    event: JoinRequestEvent, context: RunContext, request_id: str
) -> list[Event]:
    """Answers several requests side by side, all of them by one event."""
    unknown = [
        one
        for one in event.requests
        if isinstance(one, str) and (one not in context.answers or one == request_id)
    ]
    if unknown:
        raise NonRetryableError(
            f"a join names {unknown[0]!r}, which is no request that was sent in this run: give "
            "what ctx.send returned for a ChatRequestEvent or another request"
        )
    responses = await together(
        context.answers[one].wait()
        if isinstance(one, str)
        else _last(SERVED[one.event_type](one, context, f"{request_id}/{number}"))
        for number, one in enumerate(event.requests)
    )
    return [JoinResponseEvent(request_id=request_id, responses=tuple(responses), tag=event.tag)]


async def _last(answers: Awaitable[list[Event]]) -> Any:
    return (await answers)[-1]


SERVED: dict[str, Callable[[Any, RunContext, str], Coroutine[Any, Any, list[Event]]]] = {
    "chat_request": _answer_chat,
    "join_request": _answer_join,
    "tool_request": _answer_tool,
    "retrieval_request": _answer_retrieval,
}
"""Who answers an event, by its type: given the event, the context, and the request's id."""
