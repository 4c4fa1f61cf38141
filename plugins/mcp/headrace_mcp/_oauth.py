"""Tokens by OAuth, through the SDK's own client, apart from the requests that need them.

The SDK's flow is an authentication of its HTTP client, which lets one request at a time through and
follows wherever a server leads. So it is driven here instead: a request goes on its own, and only
where the server refuses it the flow is handed that refusal. What it asks for is asked by a client
that reads little, waits little, and asks nobody whom the agent's author did not mean.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING

import httpx2
from mcp.client.auth import OAuthFlowError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.auth.utils import extract_field_from_www_auth
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types import LATEST_PROTOCOL_VERSION
from pydantic import ValidationError

from headrace_mcp._access import AccessError
from headrace_mcp._oauth_settings import OAuth, origin, unsafe
from headrace_mcp._text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcp.client.auth.oauth2 import OAuthClientProvider
    from mcp.shared.auth import (
        OAuthClientInformationFull,
        OAuthToken,
    )


__all__ = [
    "PAUSE",
    "VERSION",
    "ClientCredentials",
    "Record",
    "check_challenge",
    "drive",
    "secrets_of",
]

_MAX_BODY = 256 * 1024
_SECONDS = 30.0
PAUSE = 5.0
"""Seconds for which a failure is told again instead of being made again."""
_SHOWN = 500
_BUSY = 429
_BROKEN = 500
VERSION = {MCP_PROTOCOL_VERSION_HEADER: LATEST_PROTOCOL_VERSION}
"""By this the SDK's flow knows that servers take the parameter ``resource``."""

_driving: ContextVar[bool] = ContextVar("headrace_mcp_driving", default=False)


def _is_others(record: logging.LogRecord) -> bool:
    """Whether a line of the SDK's log is not about what is driven here.

    Its lines have tracebacks with what servers answered; what went wrong is an error of ours.
    """
    del record
    return not _driving.get()


for _name in ("oauth2", "utils"):
    logging.getLogger(f"mcp.client.auth.{_name}").addFilter(_is_others)


class Record:
    """A storage in the worker's memory.

    Args:
        tokens: Those that there are.
        client: The client, where it is registered.
    """

    def __init__(
        self, tokens: OAuthToken | None = None, client: OAuthClientInformationFull | None = None
    ) -> None:
        self.tokens = tokens
        self.client = client
        self.changed = False
        """Whether there are new tokens."""

    async def get_tokens(self) -> OAuthToken | None:
        """The tokens."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Takes new ones."""
        self.tokens, self.changed = tokens, True

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """The client."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Takes the one that was registered."""
        self.client = client_info


async def drive(
    provider: OAuthClientProvider,
    probe: httpx2.Request,
    answer: httpx2.Response | None,
    refused: Callable[[httpx2.Request], str],
) -> int:
    """Has the SDK's flow make tokens; ``probe`` has the new one in its header then.

    Args:
        provider: The SDK's.
        probe: A request to the server; it is not sent.
        answer: How the server has refused it; ``None``: the flow does without.
        refused: Says why an address is not asked; empty where it is.

    Returns:
        The status of what was last asked, 0 where nothing was.

    Raises:
        AccessError: It came to nothing.
    """
    status = 0
    token = _driving.set(True)
    flow = provider.async_auth_flow(probe)
    outgoing = probe
    try:
        outgoing = await anext(flow)
        while outgoing is not probe or answer is not None:
            if outgoing is probe:
                assert answer is not None  # noqa: S101 - the loop's condition
                reply, answer = answer, None
            else:
                if why := refused(outgoing):
                    raise AccessError(f"{_where(outgoing)} {why}", lasting=True)
                reply = await _ask(outgoing)
                status = reply.status_code
                if status == _BUSY or status >= _BROKEN:
                    raise AccessError(f"{_where(outgoing)} answered {status}", lasting=False)
            outgoing = await flow.asend(reply)
    except StopAsyncIteration:
        pass
    except httpx2.HTTPError as error:
        why = clean(f"{type(error).__name__}: {error}", _SHOWN)
        raise AccessError(f"{_where(outgoing)} cannot be reached: {why}", lasting=False) from None
    except asyncio.TimeoutError:
        why = f"did not answer within {_SECONDS:g} s"
        raise AccessError(f"{_where(outgoing)} {why}", lasting=False) from None
    except ValidationError:
        why = f"{_where(outgoing)} answered what OAuth does not know"
        raise AccessError(why, lasting=True) from None
    except (OAuthFlowError, ValueError) as error:
        raise AccessError(clean(str(error), _SHOWN), lasting=True) from None
    finally:
        await flow.aclose()
        _driving.reset(token)
    return status


async def _ask(request: httpx2.Request) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=_SECONDS) as client:
        return await asyncio.wait_for(_bounded(client, request), _SECONDS)


async def _bounded(client: httpx2.AsyncClient, request: httpx2.Request) -> httpx2.Response:
    answer = await client.send(request, stream=True, follow_redirects=False)
    try:
        body = bytearray()
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > _MAX_BODY:
                why = f"{_where(request)} answered with more than {_MAX_BODY} bytes"
                raise AccessError(why, lasting=True)
    finally:
        await answer.aclose()
    headers = {"content-type": answer.headers.get("content-type", "")}
    made = httpx2.Response(
        answer.status_code, headers=headers, content=bytes(body), request=request
    )
    made.next_request = answer.next_request  # followed within one origin, if at all
    return made


def _where(request: httpx2.Request) -> str:
    shown = request.url.copy_with(userinfo=b"", query=None, fragment=None)
    return clean(f"the authorization server ({shown})", _SHOWN)


def check_challenge(server: str, answer: httpx2.Response) -> None:
    """Refuses one that leads elsewhere for what is known of the server."""
    at = extract_field_from_www_auth(answer, "resource_metadata")
    try:
        elsewhere = at is not None and origin(at) != origin(server)
    except ValueError:
        elsewhere = True
    if elsewhere:
        why = f"it says that its metadata are at another host ({clean(str(at), _SHOWN)})"
        raise AccessError(f"{why}: they are not read", lasting=True)


class ClientCredentials:
    """Tokens for a job, which no person takes part in; they live in the worker's memory.

    Args:
        server: The server's address.
        oauth: How they are had.
        secret: The client's secret.
    """

    def __init__(self, server: str, oauth: OAuth, secret: str) -> None:
        assert oauth.issuer is not None  # noqa: S101 - the settings were looked at
        assert oauth.client_id is not None  # noqa: S101
        self._server = server
        self._issuer = oauth.issuer
        self._secret = secret
        self._record = Record()
        self._provider = ClientCredentialsOAuthProvider(
            server_url=server,
            storage=self._record,
            client_id=oauth.client_id,
            client_secret=secret,
            issuer=oauth.issuer,
        )
        self._lock = asyncio.Lock()
        self._failure: tuple[float, AccessError] | None = None

    async def token(self) -> str | None:
        """The token that there is."""
        context = self._provider.context
        known = context.current_tokens
        return known.access_token if known is not None and context.is_token_valid() else None

    async def renew(self, answer: httpx2.Response, refused: str | None) -> None:
        """Has another one made.

        Raises:
            AccessError: There is none to be had.
        """
        async with self._lock:
            known = await self.token()
            if known is not None and known != refused:
                return
            if self._failure is not None and time.monotonic() - self._failure[0] < PAUSE:
                raise AccessError(str(self._failure[1]), lasting=self._failure[1].lasting)
            try:
                check_challenge(self._server, answer)
                probe = httpx2.Request("POST", self._server, headers=VERSION)
                await drive(self._provider, probe, answer, self._refused)
            except AccessError as error:
                self._failure = (time.monotonic(), error)
                raise
            self._failure = None

    def secrets(self) -> Iterable[str]:
        """The client's secret, and the token."""
        known = self._record.tokens
        return (self._secret, *(() if known is None else secrets_of(known)))

    def _refused(self, request: httpx2.Request) -> str:
        url = str(request.url)
        if why := unsafe(url, self._server):
            return why
        # What the author's own authorization server says of itself is believed.
        theirs = (origin(self._server), origin(self._issuer))
        if request.method == "GET" and origin(url) not in theirs:
            return f"is not the one that the agent names ({self._issuer})"
        return ""


def secrets_of(tokens: OAuthToken) -> list[str]:
    """What no text may show of tokens."""
    return [one for one in (tokens.access_token, tokens.refresh_token) if one]
