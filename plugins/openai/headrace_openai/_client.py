"""The vendor's client, held so that it does one thing: one request, one answer or one error."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

import openai

from headrace.errors import ModelError
from headrace_openai._events import EventReader
from headrace_openai._failures import model_error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from headrace.providers import Secrets

__all__ = ["HTTP", "Client", "Endpoint"]

HTTP: Any = openai.DefaultAsyncHttpxClient.__bases__[0]
"""What the vendor's client sends with: an ``AsyncClient`` of httpx2, before version 3 of httpx."""

Endpoint = Literal["chat/completions", "responses", "embeddings"]

_LIMIT = 32 * 2**20
"""Bytes of an answer: some hundred times what a model writes in one."""
_PATIENCE = 1.0
"""Seconds for the end of a stream that has said all, so that its connection can be used again."""


class Client:
    """An open client.

    Attributes:
        host: The server that is asked.
        secrets: What must not be in errors.
    """

    __slots__ = ("_client", "host", "secrets")

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str | None,
        organization: str | None,
        project: str | None,
        azure_endpoint: str | None,
        api_version: str | None,
        headers: Mapping[str, str],
        secrets: Secrets,
        http: Any,
    ) -> None:
        self.secrets = secrets
        if http is not None:
            http.follow_redirects = False
        shared: dict[str, Any] = {
            "api_key": api_key,
            "organization": organization,
            "project": project,
            "default_headers": dict(headers),
            # Both are the runtime's: it knows the policy of the call, and records each attempt.
            "max_retries": 0,
            "timeout": None,
            # A redirect would take the headers with their secrets to another server.
            "http_client": http or openai.DefaultAsyncHttpxClient(follow_redirects=False),
        }
        self._client: openai.AsyncOpenAI
        if azure_endpoint is None:
            self._client = openai.AsyncOpenAI(base_url=base_url, **shared)
        else:
            # Not told of a deployment, it takes the request's model for one, in every interface.
            azure = openai.AsyncAzureOpenAI(
                azure_endpoint=azure_endpoint, api_version=api_version, **shared
            )
            # Before 3 the client prefers AZURE_OPENAI_AD_TOKEN of the worker to a key it is given.
            azure._azure_ad_token = None  # noqa: SLF001
            self._client = azure
        self.host = self._client.base_url.host

    async def ask(
        self,
        endpoint: Endpoint,
        parameters: dict[str, Any],
        options: dict[str, Any],
        limit: int = _LIMIT,
    ) -> bytes:
        """Sends a request; gives the answer's body.

        Args:
            endpoint: What is asked.
            parameters: The typed parameters of the endpoint's ``create``.
            options: Everything else, put into the body beside them: so an option that this version
                of the client does not know reaches the provider too.
            limit: Bytes that the answer may have.

        Raises:
            ModelError: There is no answer.
        """
        body = bytearray()
        async with self._sent(endpoint, parameters, options) as answer:
            await self._read(answer, limit, body.extend)
        return bytes(body)

    async def stream(
        self,
        endpoint: Endpoint,
        parameters: dict[str, Any],
        options: dict[str, Any],
        on_event: Callable[[bytes], bool],
    ) -> bytes | None:
        """Sends a request; tells of the events of the answer while they come.

        Args:
            endpoint: What is asked.
            parameters: As for ``ask``.
            options: As for ``ask``.
            on_event: Takes the data of an event; true where it was the last.

        Returns:
            ``None``; from a server that does not stream, the answer's body.

        Raises:
            ModelError: There is no answer, or it broke off.
        """
        events = EventReader()
        body = bytearray()

        def take(chunk: bytes) -> bool:
            return any(on_event(data) for data in events.feed(chunk))

        async with self._sent(endpoint, {**parameters, "stream": True}, options) as answer:
            whole = "json" in answer.headers.get("content-type", "").lower()
            if await self._read(answer, _LIMIT, body.extend if whole else take):
                return None
        if whole:
            return bytes(body)
        if not events.begun:
            begin = self.secrets.hide(events.head.decode("utf-8", "replace"), 200)
            raise ModelError(
                f"{self.host} answered with no stream of events. It begins: {begin!r}",
                code="bad_response",
            )
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    @asynccontextmanager
    async def _sent(
        self, endpoint: Endpoint, parameters: dict[str, Any], options: dict[str, Any]
    ) -> AsyncIterator[openai.AsyncAPIResponse[Any]]:
        """Sends a request; gives the answer, of which only the headers were read."""
        resource: Any = {
            "chat/completions": self._client.chat.completions,
            "responses": self._client.responses,
            "embeddings": self._client.embeddings,
        }[endpoint]
        sending = resource.with_streaming_response.create(**parameters, extra_body=options or None)
        failure: ModelError | None = None
        async with AsyncExitStack() as stack:
            try:
                answer = await stack.enter_async_context(sending)
            except (openai.OpenAIError, TypeError, ValueError) as error:
                failure = model_error(error, self.host, self.secrets)
            # Not raised above: the vendor's error would go along as its context, and holds the
            # request with its headers.
            if failure is not None:
                raise failure
            yield answer

    async def _read(
        self,
        answer: openai.AsyncAPIResponse[Any],
        limit: int,
        take: Callable[[bytes], bool | None],
    ) -> bool:
        """Reads a body to its end, or until ``take`` says that it has all; says whether it did."""
        size = 0
        received: Any = answer.iter_bytes()  # a generator, though its type does not say so
        async with aclosing(received) as chunks:
            while True:
                failure: ModelError | None = None
                chunk: bytes | None = None
                try:
                    chunk = await anext(chunks, None)
                except Exception as error:  # noqa: BLE001 - httpx's or httpx2's: the client's choice
                    why = self.secrets.hide(f"{type(error).__name__}: {error}")
                    text = f"the connection to {self.host} failed: {why}"
                    failure = ModelError(text, code="connection")
                if failure is not None:
                    raise failure
                if chunk is None:
                    return False
                size += len(chunk)
                if size > limit:
                    text = f"the answer of {self.host} is longer than {limit} bytes"
                    raise ModelError(text, code="bad_response")
                if take(chunk):
                    await _drain(chunks)
                    return True


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Reads what follows the end of a stream: nothing, of a server that keeps to the rules."""

    async def read() -> None:
        async for _ in chunks:
            pass

    # Whatever is wrong now, the answer is whole; the connection is closed then, not used again.
    with suppress(Exception):
        await asyncio.wait_for(read(), _PATIENCE)
