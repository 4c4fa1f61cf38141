"""AWS's client, held so that it does one thing: one request, one answer or one error.

By itself it tries again, waits a minute at most, follows redirects and reads answers of any size.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import botocore
import botocore.loaders
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import BotoCoreError
from botocore.tokens import FrozenAuthToken

from headrace.errors import ModelError, ResourceError
from headrace.providers import Secrets
from headrace_bedrock._failures import VENDORS, hidden, model_error
from headrace_bedrock._http import HttpSession

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Iterable, Mapping

__all__ = ["Client", "connect"]

T = TypeVar("T")

_SERVICE = "bedrock-runtime"
_BEARER = "AWS_BEARER_TOKEN_BEDROCK"
_PATIENCE = 1.0
"""Seconds for the end of a stream that has said all, so that its connection can be used again."""
_TALKATIVE = ("aiobotocore", "botocore")
_LOADER = botocore.loaders.create_loader()
"""AWS's models of its services, read once for all clients: by itself each reads them again."""


class Client:
    """An open client.

    Attributes:
        host: The server that is asked.
        secrets: What must not be in errors.
    """

    __slots__ = ("_client", "_stack", "host", "secrets")

    def __init__(self, client: Any, stack: AsyncExitStack, secrets: Secrets) -> None:
        self._client = client
        self._stack = stack
        self.host = urlsplit(client.meta.endpoint_url).hostname or ""
        self.secrets = secrets

    async def converse(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Sends a conversation; gives the whole answer, not yet checked.

        Raises:
            ModelError: There is none.
        """
        return await self._answered(self._client.converse(**parameters))

    async def stream(self, parameters: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Sends a conversation; gives the events of the answer as they come, not yet checked.

        Raises:
            ModelError: There is no answer, or it breaks off.
        """
        answer = await self._answered(self._client.converse_stream(**parameters))
        events = aiter(answer["stream"])
        failure: ModelError | None = None
        try:
            async for event in events:
                yield event
                if "metadata" in event:
                    with suppress(Exception):  # whatever is wrong now, the answer is whole
                        await asyncio.wait_for(anext(events, None), _PATIENCE)
                    break
        except ModelError:
            raise
        except VENDORS as error:
            failure = model_error(error, self.host, self.secrets)
        finally:
            await events.aclose()
            answer["stream"].close()
        # Not raised above: the vendor's error would go along as its context, and holds the request
        # with its headers.
        if failure is not None:
            raise failure

    async def invoke(self, model: str, body: bytes) -> bytes:
        """Sends a body of the model's own; gives that of the answer.

        Raises:
            ModelError: There is none.
        """

        async def ask() -> bytes:
            answer = await self._client.invoke_model(
                modelId=model, body=body, contentType="application/json", accept="application/json"
            )
            async with answer["body"] as content:
                read: bytes = await content.read()
                return read

        return await self._answered(ask())

    async def close(self) -> None:
        """Closes the connections."""
        await self._stack.aclose()

    async def _answered(self, call: Awaitable[T]) -> T:
        failure: ModelError
        try:
            return await call
        except ModelError:
            raise
        except VENDORS as error:
            failure = model_error(error, self.host, self.secrets)
        raise failure


async def connect(
    what: str,
    *,
    region: str | None,
    base_url: str | None,
    profile: str | None,
    access_key: str | None,
    secret_key: str | None,
    session_token: str | None,
    api_key: str | None,
    signed: bool,
    headers: Mapping[str, str],
    secrets: Iterable[str],
) -> Client:
    """Makes a client; no connection to the service is made yet.

    Args:
        what: What is opened, for errors: ``the bedrock chat model``.
        region: The region; the worker's own where ``None``.
        base_url: The server; the worker's own, or the region's, where ``None``.
        profile: The profile of the worker's configuration.
        access_key: The id of an access key; the worker's own credentials where ``None``.
        secret_key: Its secret.
        session_token: The token of its session.
        api_key: A key of Bedrock's own, in place of an access key.
        signed: Whether requests are signed at all.
        headers: Headers of every request.
        secrets: What must not be in errors.

    Raises:
        ResourceError: There are no credentials, or no region.
    """
    _quieten()
    known = [*secrets]
    failure: str
    stack = AsyncExitStack()
    try:
        session = AioSession(profile=profile)
        session.register_component("data_loader", _LOADER)
        way = _way_of_signing(session, api_key, given=access_key is not None, signed=signed)
        if not way:
            known += await _own_credentials(session)
        client = await stack.enter_async_context(
            session.create_client(
                _SERVICE,
                region_name=region,
                endpoint_url=base_url,
                aws_access_key_id=access_key,
                aws_secret_access_key=secret_key,
                aws_session_token=session_token,
                config=AioConfig(
                    **way,
                    # Both are the runtime's: it knows the policy of the call, and records each
                    # attempt.
                    retries={"total_max_attempts": 1},
                    connect_timeout=None,
                    read_timeout=None,
                    max_pool_connections=0,  # any number: how many at a time is the runtime's
                    http_session_cls=HttpSession,
                    warm_up_loader_caches=True,  # in a thread: it reads megabytes of JSON
                ),
            )
        )
    except (BotoCoreError, ValueError, OSError) as error:
        failure = hidden(f"{type(error).__name__}: {error}", Secrets(known))
    else:
        _add_headers(client, headers)
        return Client(client, stack, Secrets(known))
    await stack.aclose()
    raise ResourceError(f"{what} cannot be opened: {failure}")


def _way_of_signing(
    session: AioSession, api_key: str | None, *, given: bool, signed: bool
) -> dict[str, Any]:
    """The client's setting for who asks; empty where the worker's own credentials do."""
    if not signed:
        return {"signature_version": botocore.UNSIGNED}
    if api_key is not None:
        session.register_component("token_provider", _Key(api_key))
        return {"signature_version": "bearer"}
    # Said, or a key among the worker's variables would come first.
    return {"signature_version": "v4"} if given else {}


async def _own_credentials(session: AioSession) -> list[str]:
    """The secrets that the worker has of its own.

    Raises:
        ValueError: It has none.
    """
    if key := os.environ.get(_BEARER, "").strip():
        return [key]
    found = await session.get_credentials()
    if found is None:
        raise ValueError(
            "the worker has no credentials: give it a role, a profile or the usual variables "
            f"(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or {_BEARER}), or name the "
            "variables that hold them (access_key_env and secret_key_env, or api_key_env)"
        )
    frozen = await found.get_frozen_credentials()
    return [secret for secret in (frozen.secret_key, frozen.token) if secret]


class _Key:
    """Gives the client a key where it asks for a token."""

    def __init__(self, key: str) -> None:
        self._token = FrozenAuthToken(key)

    def load_token(self, **_: Any) -> Any:
        return self._token


def _add_headers(client: Any, headers: Mapping[str, str]) -> None:
    def add(request: Any, **_: Any) -> None:
        for name, value in headers.items():
            if name in request.headers:
                del request.headers[name]
            request.headers[name] = value

    client.meta.events.register(f"before-send.{_SERVICE}", add)


def _quieten() -> None:
    """What the client says while debugging has whole requests, with tokens in their headers."""
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
