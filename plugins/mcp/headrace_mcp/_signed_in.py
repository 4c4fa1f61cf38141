"""Tokens of a person who has signed in: read from a file, and renewed there."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx2
from mcp.client.auth.oauth2 import OAuthClientProvider
from mcp.client.auth.utils import extract_field_from_www_auth
from mcp.shared.auth import (
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from pydantic import ValidationError

from headrace.errors import ResourceError
from headrace_mcp._access import AccessError
from headrace_mcp._oauth import PAUSE, VERSION, Record, drive, secrets_of
from headrace_mcp._oauth_settings import unsafe
from headrace_mcp._text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace_mcp._tokens import TokenFile

__all__ = ["SignedIn", "kept_client", "kept_tokens"]

_AGAIN = "sign in again with `agents login TARGET`"
_EARLY = 30.0
"""Seconds before its end from which a token is not used any more."""
_PAST = 1.0
_SHOWN = 500
_FORBIDDEN = 403


class SignedIn:
    """Tokens of a person who has signed in: read from a file, and renewed there.

    Args:
        what: What the server is called in texts.
        server: Its address.
        file: The file.

    Raises:
        ResourceError: Nobody has signed in.
    """

    def __init__(self, what: str, server: str, file: TokenFile) -> None:
        self._what = what
        self._server = server
        self._file = file
        self._lock = asyncio.Lock()
        self._failure: tuple[float, AccessError] | None = None
        self._kept = self._read()

    async def token(self) -> str | None:
        """The token that there is, renewed where it ends.

        Raises:
            AccessError: There is none to be had.
        """
        if self._ends():
            await self._renew(self._kept["tokens"]["access_token"])
        token: str = self._kept["tokens"]["access_token"]
        return token

    async def renew(self, answer: httpx2.Response, refused: str | None) -> None:
        """Has another one made.

        Raises:
            AccessError: There is none to be had.
        """
        if answer.status_code == _FORBIDDEN:
            scope = extract_field_from_www_auth(answer, "scope")
            more = f" ({clean(scope, _SHOWN)})" if scope else ""
            raise AccessError(f"it wants more rights than were given{more}: {_AGAIN}", lasting=True)
        await self._renew(refused)

    def secrets(self) -> Iterable[str]:
        """The tokens, and the client's secret where it has one."""
        secret = self._kept["client"].get("client_secret")
        tokens = secrets_of(OAuthToken.model_validate(self._kept["tokens"]))
        return (*tokens, *([secret] if secret else []))

    def _ends(self) -> bool:
        ends = self._kept["expires_at"]
        return ends is not None and time.time() > ends - _EARLY

    async def _renew(self, refused: str | None) -> None:
        async with self._lock:
            if self._kept["tokens"]["access_token"] != refused and not self._ends():
                return
            if self._failure is not None and time.monotonic() - self._failure[0] < PAUSE:
                raise AccessError(str(self._failure[1]), lasting=self._failure[1].lasting)
            try:
                # Others of this machine use the same: of a token that can be used once, one may.
                async with self._file.locked():
                    self._kept = self._read()
                    if self._kept["tokens"]["access_token"] == refused or self._ends():
                        await self._refresh()
            except AccessError as error:
                self._failure = (time.monotonic(), error)
                raise
            except ResourceError as error:
                raise AccessError(str(error), lasting=True) from None
            self._failure = None

    async def _refresh(self) -> None:
        kept = self._kept
        tokens = OAuthToken.model_validate(kept["tokens"])
        if tokens.refresh_token is None:
            raise AccessError(f"its sign-in has ended: {_AGAIN}", lasting=True)
        record = Record(tokens, OAuthClientInformationFull.model_validate(kept["client"]))
        provider = OAuthClientProvider(
            self._server, OAuthClientMetadata(redirect_uris=None), record
        )
        context = provider.context
        context.oauth_metadata = OAuthMetadata.model_validate(kept["metadata"])
        context.protected_resource_metadata = (
            ProtectedResourceMetadata.model_validate(kept["resource"]) if kept["resource"] else None
        )
        context.token_expiry_time = _PAST
        probe = httpx2.Request("POST", self._server, headers=VERSION)
        status = await drive(provider, probe, None, lambda one: unsafe(str(one.url), self._server))
        if not record.changed:
            why = f"its authorization server refused to renew the sign-in ({status}): {_AGAIN}"
            raise AccessError(why, lasting=True)
        assert record.tokens is not None  # noqa: S101 - it has changed
        self._kept = {**kept, **kept_tokens(record.tokens)}
        self._file.write(self._kept)

    def _read(self) -> dict[str, Any]:
        kept = self._file.read()
        if kept is None:
            raise ResourceError(
                f"{self._what} wants somebody to have signed in, and on this machine nobody has "
                f"(there is no {self._file.path}). Type `agents login TARGET` here. Where nobody "
                'can, as in a job on a cluster, use oauth={"grant": "client_credentials", ...}'
            )
        try:
            OAuthToken.model_validate(kept["tokens"])
            OAuthClientInformationFull.model_validate(kept["client"])
            OAuthMetadata.model_validate(kept["metadata"])
            kept["resource"], kept["expires_at"] + 0 if kept["expires_at"] is not None else 0
        except (ValidationError, KeyError, TypeError):
            raise ResourceError(
                f"{self._file.path} holds no sign-in: delete it, and sign in again"
            ) from None
        return kept


def kept_client(
    client: OAuthClientInformationFull,
    metadata: OAuthMetadata,
    resource: ProtectedResourceMetadata | None,
) -> dict[str, Any]:
    """What is kept of a sign-in, beside its tokens."""
    return {
        "client": client.model_dump(mode="json", exclude_none=True),
        "metadata": metadata.model_dump(mode="json", exclude_none=True),
        "resource": None
        if resource is None
        else resource.model_dump(mode="json", exclude_none=True),
    }


def kept_tokens(tokens: OAuthToken) -> dict[str, Any]:
    """What is kept of tokens: when they end is a time, and not from now on."""
    ends = None if tokens.expires_in is None else time.time() + tokens.expires_in
    return {"tokens": tokens.model_dump(mode="json", exclude_none=True), "expires_at": ends}
