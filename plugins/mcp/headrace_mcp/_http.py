"""A server that is reached over HTTP, with failures that are told to the request they belong to.

The SDK's transport ends the whole session where one request fails to get through, tells no status,
and reads answers of any size. This client gives it an answer in each case: a JSON-RPC error.
"""

from __future__ import annotations

import json
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
from mcp.client.streamable_http import MCP_SESSION_ID, streamable_http_client

from headrace_mcp._access import AccessError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping

    from mcp.client._transport import TransportStreams

    from headrace_mcp._access import Access

__all__ = ["http_server", "made_here"]

MAX_BODY = 16 * 1024 * 1024
"""Bytes of an answer, and of one event of a stream."""
_CONNECT_SECONDS = 30.0
_SHOWN = 500
_REDIRECTS = range(300, 400)
_FAILURES = 400
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_NOT_FOUND = 404
_BAD_GATEWAY = 502

CODE = -32_099
"""The code of errors that are made here."""
MARK = secrets.token_hex(16)
"""Stands in the data of errors that are made here: no server can say the same."""


def made_here(data: Any) -> bool:
    """Whether an error with these data was made here."""
    return isinstance(data, dict) and data.get("mark") == MARK


@asynccontextmanager
async def http_server(
    url: str,
    headers: Mapping[str, str],
    gone: Callable[[str], None],
    access: Access | None = None,
) -> AsyncGenerator[TransportStreams]:
    """Talks to a server.

    Args:
        url: Its address.
        headers: Headers of every request, secret ones too.
        gone: Told why, when the server does not know the session any more.
        access: Gives the tokens of requests, where they are had anew.
    """
    async with (
        _Client(dict(headers), gone, access) as client,
        streamable_http_client(url, http_client=client, max_sse_event_size=MAX_BODY) as streams,
    ):
        yield streams


class _Client(httpx2.AsyncClient):
    """An HTTP client that answers for the server where the server does not."""

    def __init__(
        self, headers: dict[str, str], gone: Callable[[str], None], access: Access | None
    ) -> None:
        super().__init__(
            headers=headers,
            # How long an answer may take is the runtime's to say, and so is how many are asked for.
            timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
        )
        self._gone = gone
        self._access = access

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Sends a request; a failure to get through is an answer too."""
        try:
            answer = await self._let_in(request, **options)
            if request.method != "POST":
                return answer
            return await self._checked(request, answer)
        except AccessError as error:
            return _failure(request, str(error), sent=None, lasting=error.lasting)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
            return _failure(request, f"cannot be reached: {_words(error)}", sent=False)
        except httpx2.HTTPError as error:
            return _failure(request, f"broke off the connection: {_words(error)}", sent=True)

    async def _let_in(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Sends a request with the token that there is; once more where that is refused."""
        if self._access is None:
            return await super().send(request, **options)
        token = await self._access.token()
        answer = await super().send(_with(request, token), **options)
        if not _refused(answer):
            return answer
        await answer.aclose()
        await self._access.renew(answer, token)
        return await super().send(_with(request, await self._access.token()), **options)

    async def _checked(self, request: httpx2.Request, answer: httpx2.Response) -> httpx2.Response:
        kind = answer.headers.get("content-type", "").lower()
        failed = answer.status_code >= _FAILURES
        if answer.status_code in _REDIRECTS or not (failed or kind.startswith("application/json")):
            return answer
        try:
            body = await _read(answer)
        finally:
            await answer.aclose()
        if body is None:
            return _failure(request, f"answered with more than {MAX_BODY} bytes")
        if answer.status_code == _NOT_FOUND and MCP_SESSION_ID in request.headers:
            self._gone("it does not know the session any more")
            return _failure(request, "does not know the session any more", sent=False)
        if failed and not _is_rpc(kind, body):
            status = f"{answer.status_code} {answer.reason_phrase}".strip()
            text = body[:_SHOWN].decode("utf-8", "replace").strip()
            return _failure(request, f"answered {status}" + (f": {text}" if text else ""))
        kept = {"content-type": kind}
        if MCP_SESSION_ID in answer.headers:
            kept[MCP_SESSION_ID] = answer.headers[MCP_SESSION_ID]
        return httpx2.Response(answer.status_code, headers=kept, content=body, request=request)


def _with(request: httpx2.Request, token: str | None) -> httpx2.Request:
    request.headers.pop("authorization", None)
    if token is not None:
        request.headers["authorization"] = f"Bearer {token}"
    return request


def _refused(answer: httpx2.Response) -> bool:
    """Whether another token may help: there is none, it has ended, or it lacks rights."""
    wanted = answer.headers.get("www-authenticate", "")
    lacks = answer.status_code == _FORBIDDEN and "insufficient_scope" in wanted
    return answer.status_code == _UNAUTHORIZED or lacks


async def _read(answer: httpx2.Response) -> bytes | None:
    body = bytearray()
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


def _is_rpc(kind: str, body: bytes) -> bool:
    if not kind.startswith("application/json"):
        return False
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and isinstance(said.get("error"), dict) and "jsonrpc" in said


def _failure(
    request: httpx2.Request, why: str, *, sent: bool | None = None, lasting: bool = False
) -> httpx2.Response:
    """An error as the answer.

    Args:
        request: What it answers.
        why: What happened.
        sent: Of a connection that failed, whether the server may have got the request.
        lasting: Whether it will be the same until somebody does something.
    """
    error = {
        "code": CODE,
        "message": why,
        "data": {"mark": MARK, "sent": sent, "lasting": lasting},
    }
    body = {"jsonrpc": "2.0", "id": None, "error": error}
    return httpx2.Response(_BAD_GATEWAY, json=body, request=request)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_SHOWN]
