"""Signing in to a server, once, by a person with a browser: OAuth's authorization code, with PKCE.

The browser comes back to a port of this machine that listens for that alone.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp.client.auth import OAuthFlowError
from mcp.client.auth.oauth2 import OAuthClientProvider
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
)
from pydantic import AnyUrl

from headrace.errors import ResourceError, ToolError
from headrace_mcp._access import AccessError
from headrace_mcp._oauth import VERSION, Record, check_challenge, drive
from headrace_mcp._oauth_settings import origin, unsafe
from headrace_mcp._signed_in import kept_client, kept_tokens
from headrace_mcp._text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Self

    from headrace_mcp._oauth_settings import OAuth
    from headrace_mcp._tokens import TokenFile

__all__ = ["sign_in"]

_SECONDS = 30.0
_MAX_LINE = 8 * 1024
_SHOWN = 300
_REFUSED = 401
_CLOSED = (401, 403)
_OK = range(200, 300)
_OPENS = "2025-11-25"
"""A version of the protocol in which a session begins by a request that tells it."""
_PAGE = "<!doctype html><title>headrace</title><p>{said} You may close this page."


async def sign_in(
    server: str,
    oauth: OAuth,
    secret: str | None,
    headers: Mapping[str, str],
    file: TokenFile,
    *,
    show: Callable[[str, str], None],
    port: int,
    seconds: float,
) -> None:
    """Lets a person sign in, and keeps the tokens.

    Args:
        server: The server's address.
        oauth: The settings.
        secret: The client's secret, where it has one.
        headers: Headers of requests to the server.
        file: Where the tokens are kept.
        show: Shows a person the authorization server and the address to open in a browser.
        port: The port that the browser comes back to; 0: any that is free.
        seconds: How long the person may take.

    Raises:
        ResourceError: Nothing came of it; the text says why.
        ToolError: The server is not to be had now.
    """
    async with _Return(port) as back:
        client = None
        if oauth.client_id is not None:
            client = OAuthClientInformationFull(
                client_id=oauth.client_id,
                client_secret=secret,
                redirect_uris=[AnyUrl(back.url)],
                token_endpoint_auth_method="client_secret_basic" if secret else "none",
                issuer=oauth.issuer,
            )
        record = Record(client=client)
        provider: OAuthClientProvider | None = None

        async def leave(url: str) -> None:
            metadata = None if provider is None else provider.context.oauth_metadata
            if metadata is None:
                raise OAuthFlowError("it names no authorization server that says what it can do")
            if "S256" not in (metadata.code_challenge_methods_supported or ()):
                raise OAuthFlowError(f"{metadata.issuer} does not do PKCE (S256)")
            if why := unsafe(url, server):
                raise OAuthFlowError(f"the address to sign in at {why}")
            back.expect(url)
            show(str(metadata.issuer), url)

        async def returned() -> AuthorizationCodeResult:
            try:
                return await asyncio.wait_for(back.result(), seconds)
            except asyncio.TimeoutError:
                raise OAuthFlowError(f"nobody signed in within {seconds:g} s") from None

        provider = OAuthClientProvider(
            server,
            OAuthClientMetadata(redirect_uris=[AnyUrl(back.url)], client_name="headrace"),
            record,
            leave,
            returned,
        )

        def refused(request: httpx2.Request) -> str:
            url = str(request.url)
            if why := unsafe(url, server):
                return why
            if oauth.issuer is None or request.method != "GET":
                return ""
            if origin(url) in (origin(server), origin(oauth.issuer)):
                return ""
            return f"is not the one that the agent names ({oauth.issuer})"

        answer = await _asked(server, headers)
        if answer.status_code in _OK:
            raise ResourceError("it lets everybody in: there is nothing to sign in to")
        if answer.status_code != _REFUSED:
            raise ToolError(f"it answered {answer.status_code} where it should ask for a sign-in")
        probe = httpx2.Request("POST", server, headers=VERSION)
        try:
            check_challenge(server, answer)
            await drive(provider, probe, answer, refused)
        except AccessError as error:
            raise ResourceError(str(error)) from None
        context = provider.context
        if record.tokens is None or record.client is None or context.oauth_metadata is None:
            raise ResourceError("the authorization server gave no tokens")
        if oauth.issuer is not None and not _same(str(context.oauth_metadata.issuer), oauth.issuer):
            raise ResourceError(
                f"{context.oauth_metadata.issuer} is not the authorization server that the agent "
                f"names ({oauth.issuer})"
            )
        token = {"Authorization": f"Bearer {record.tokens.access_token}"}
        if (again := await _asked(server, {**headers, **token})).status_code in _CLOSED:
            raise ResourceError(f"it refuses the token that it was given ({again.status_code})")
        known = kept_client(
            record.client, context.oauth_metadata, context.protected_resource_metadata
        )
        file.write({**known, **kept_tokens(record.tokens)})


def _same(issuer: str, named: str) -> bool:
    return issuer.rstrip("/") == named.rstrip("/")


def _probe(server: str, headers: Mapping[str, str]) -> httpx2.Request:
    params = {
        "protocolVersion": _OPENS,
        "capabilities": {},
        "clientInfo": {"name": "headrace", "version": "0.1.0"},
    }
    body = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    told = {
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
    }
    return httpx2.Request("POST", server, headers={**headers, **told}, content=json.dumps(body))


async def _asked(server: str, headers: Mapping[str, str]) -> httpx2.Response:
    """The server's answer to a first request; its content is not read."""
    try:
        async with httpx2.AsyncClient(timeout=_SECONDS) as client:
            probe = _probe(server, headers)
            answer: httpx2.Response = await client.send(probe, stream=True, follow_redirects=False)
            await answer.aclose()
            return answer
    except httpx2.HTTPError as error:
        why = clean(f"{type(error).__name__}: {error}", _SHOWN)
        raise ToolError(f"it cannot be reached: {why}") from None


class _Return:
    """Listens on this machine for the browser that comes back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._state = ""
        self._found: asyncio.Future[AuthorizationCodeResult] | None = None
        self.url = ""
        """Where the browser comes back to."""

    async def __aenter__(self) -> Self:
        self._found = asyncio.get_running_loop().create_future()
        try:
            self._server = await asyncio.start_server(
                self._take, "127.0.0.1", self._port, limit=_MAX_LINE
            )
        except OSError as error:
            raise ResourceError(
                f"the port {self._port} of this machine cannot be listened on: {error.strerror}"
            ) from None
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/callback"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        if self._found is not None and self._found.done() and not self._found.cancelled():
            self._found.exception()  # it was looked at

    def expect(self, url: str) -> None:
        """Told where the browser goes: only who comes from there is let in."""
        self._state = parse_qs(urlsplit(url).query).get("state", [""])[0]

    async def result(self) -> AuthorizationCodeResult:
        """What the browser brought.

        Raises:
            OAuthFlowError: The person, or the authorization server, said no.
        """
        assert self._found is not None  # noqa: S101 - it was entered
        return await self._found

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, asyncio.TimeoutError):
            line = await asyncio.wait_for(reader.readline(), _SECONDS)
            status, said = self._read(line.decode("ascii", "replace"))
            body = _PAGE.format(said=said).encode()
            head = (
                f"HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\n"
                f"content-length: {len(body)}\r\nreferrer-policy: no-referrer\r\n"
                "cache-control: no-store\r\nconnection: close\r\n\r\n"
            )
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()

    def _read(self, line: str) -> tuple[str, str]:
        method, _, rest = line.partition(" ")
        target = urlsplit(rest.partition(" ")[0])
        if method != "GET" or target.path != "/callback":
            return "404 Not Found", "There is nothing here."
        given = {name: values[0] for name, values in parse_qs(target.query).items()}
        if not self._state or given.get("state") != self._state:
            return "400 Bad Request", "This is no answer to what was asked."
        assert self._found is not None  # noqa: S101 - it was entered
        if self._found.done():
            return "400 Bad Request", "This was answered already."
        if "error" in given:
            told = ": ".join(given[n] for n in ("error", "error_description") if n in given)
            self._found.set_exception(OAuthFlowError(f"it was refused: {clean(told, _SHOWN)}"))
            return "200 OK", "Nobody was signed in."
        self._found.set_result(
            AuthorizationCodeResult(
                code=given.get("code", ""), state=given["state"], iss=given.get("iss")
            )
        )
        return "200 OK", "You are signed in."
