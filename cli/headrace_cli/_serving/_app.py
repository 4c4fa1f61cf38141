"""The routes: one question and its answer, whole or in parts, and the page to ask on."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from headrace.fields import FieldKey, MissingFieldError
from headrace_cli._serving._front import BusyError
from headrace_cli._serving._guard import HEADERS, RefusedError, check_token, json_body

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from starlette.requests import Request

    from headrace_cli._serving._front import Front

__all__ = ["Rules", "application"]

_TYPES = {
    "chat.html": "text/html; charset=utf-8",
    "chat.js": "text/javascript; charset=utf-8",
    "chat.css": "text/css; charset=utf-8",
}
# Proxies that hold back what they pass on are asked not to (nginx).
_STREAMED = {**HEADERS, "X-Accel-Buffering": "no"}
_SILENCE = 15.0
"""Seconds after which a stream that says nothing says that it is there."""
_LONGEST_KEY = 512
_OF_PEOPLE = {"headrace.decision", "headrace.verdict"}


@dataclass(frozen=True, slots=True)
class Rules:
    """What a server takes."""

    agent: str
    """The agent's name, for the page."""
    key: str | None
    """The field of inputs that is the key; ``None``: requests say it."""
    message: str | None
    """The field of inputs that has the message; ``None``: the message is the input."""
    token: str | None
    """What requests must bring; ``None``: nothing."""
    most_bytes: int
    """The longest request."""
    hosts: tuple[str, ...]
    """The names that the server is asked by; ``*``: any."""


def application(front: Front, rules: Rules) -> Starlette:
    """The application of one agent."""

    async def chat(request: Request) -> Response:
        try:
            check_token(request, rules.token)
            key, value = _question(await json_body(request, rules.most_bytes), rules)
            events = front.ask(key, value)
        except RefusedError as error:
            return JSONResponse({"error": str(error)}, error.status, {**HEADERS, **error.headers})
        except BusyError:
            text = "too many requests are under way: try again"
            return JSONResponse({"error": text}, 503, {**HEADERS, "Retry-After": "1"})
        if "text/event-stream" in request.headers.get("accept", ""):
            stream = _sent(events)
            return StreamingResponse(stream, media_type="text/event-stream", headers=_STREAMED)
        async with aclosing(events) as rest:
            async for what, data in rest:  # noqa: B007 - the last one counts
                pass
        if what == "error":
            return JSONResponse({"error": data}, 500, HEADERS)
        return JSONResponse({"outputs": data}, headers=HEADERS)

    async def page(request: Request) -> Response:
        name = request.path_params.get("name", "chat.html")
        if name not in _TYPES:
            return JSONResponse({"error": "there is no such page"}, 404, HEADERS)
        content = (files(__package__ or "") / name).read_bytes()
        return Response(content, media_type=_TYPES[name], headers=HEADERS)

    async def about(_request: Request) -> Response:
        told = {"agent": rules.agent, "key": rules.key, "token": rules.token is not None}
        return JSONResponse(told, 200 if front.alive else 503, HEADERS)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/assets/{name}", page),
            Route("/api/about", about),
            Route("/api/chat", chat, methods=["POST"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(rules.hosts))],
    )


async def _sent(events: AsyncGenerator[tuple[str, Any], None]) -> AsyncIterator[bytes]:
    """Server-sent events, one for each that comes; a comment where none has come for long."""
    async with aclosing(events) as rest:
        coming = asyncio.ensure_future(anext(rest, None))
        try:
            while True:
                await asyncio.wait((coming,), timeout=_SILENCE)
                if not coming.done():
                    yield b": still there\n\n"  # proxies end connections that say nothing
                    continue
                event = coming.result()
                if event is None:
                    return
                yield _line(*event)
                coming = asyncio.ensure_future(anext(rest, None))
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


def _line(what: str, data: Any) -> bytes:
    text = json.dumps(data, ensure_ascii=False)  # one line, whatever the text holds
    return f"event: {what}\ndata: {text}\n\n".encode(errors="backslashreplace")


# ---------------------------------------------------------------- what comes in
def _question(data: dict[str, Any], rules: Rules) -> tuple[Any, Any]:
    """The key and the input of a request."""
    if unknown := data.keys() - {"key", "message", "input"}:
        raise RefusedError(400, f"unknown fields: {', '.join(sorted(unknown))}")
    if ("message" in data) == ("input" in data):
        raise RefusedError(400, 'a request has a "message", or an "input"')
    key = data.get("key")
    if "input" in data:
        value = data["input"]
    else:
        value = data["message"]
        if not isinstance(value, str) or not value.strip():
            raise RefusedError(400, 'the "message" must be a text')
        if rules.message is not None:
            value = {rules.message: value}
            if rules.key is not None and key is not None:
                value[rules.key] = key
    if isinstance(value, dict) and _OF_PEOPLE & value.keys():
        raise RefusedError(400, "decisions and verdicts are not taken here")
    if key is None and rules.key is not None:
        try:
            key = FieldKey(rules.key)(value)
        except MissingFieldError as error:
            raise RefusedError(400, str(error)) from None
    if not isinstance(key, str | int) or isinstance(key, bool) or key == "":
        raise RefusedError(400, 'the "key" must say whose conversation it is: a text or a number')
    if len(str(key)) > _LONGEST_KEY:
        raise RefusedError(400, f"the key is longer than {_LONGEST_KEY} characters")
    return key, value
