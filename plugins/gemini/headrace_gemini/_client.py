"""The vendor's client, held so that it does one thing: one request, one answer or one error.

By itself it reads keys, addresses and versions from the environment, sends by another HTTP library
where one is installed, follows redirects with the key, and reads answers of any size. All of that
is set right here by handing it the HTTP client that it sends with.
"""

from __future__ import annotations

from contextlib import aclosing
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx
from google import genai
from google.genai import errors, types

from headrace.errors import ModelError
from headrace_gemini._body import CheckedBody
from headrace_gemini._failures import model_error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Mapping

    from headrace.providers import Secrets

__all__ = ["Client"]

T = TypeVar("T")

_KEPT_OPEN = 100
_KEY = "x-goog-api-key"
_OWN = "https://generativelanguage.googleapis.com"
_VENDORS = (
    errors.APIError,
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    # What its reading of an answer ends with, where that has another form; pydantic's is a
    # ValueError, too.
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    RecursionError,
)
_SENT: ContextVar[list[bool]] = ContextVar("headrace-gemini-sent")
"""Set for each call; whether its request left is noted by the HTTP client, in the same context."""


class Client:
    """An open client.

    Args:
        api_key: The key; ``None``: none is sent.
        base_url: The server; the provider's own where ``None``.
        api_version: The version of the interface.
        headers: Headers of every request.
        secrets: What must not be in errors.
        http: A project's own HTTP client, in place of the usual one.
    """

    __slots__ = ("_client", "_headers", "_http", "host", "secrets")

    def __init__(
        self,
        *,
        api_key: str | None,
        base_url: str | None,
        api_version: str,
        headers: Mapping[str, str],
        secrets: Secrets,
        http: httpx.AsyncClient | None,
    ) -> None:
        address = base_url or _OWN
        self.secrets = secrets
        self.host = httpx.URL(address).host
        self._headers = {**({} if api_key is None else {_KEY: api_key}), **headers}
        # How long to wait, and how many at a time, is the runtime's.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=_KEPT_OPEN)
        self._http = http or httpx.AsyncClient(timeout=None, limits=limits)  # noqa: S113
        # Secret headers would go along to wherever the server points.
        self._http.follow_redirects = False
        self._http.event_hooks["request"].append(self._prepare)
        self._http.event_hooks["response"].append(self._bound)
        self._client = genai.Client(
            vertexai=False,
            # Given always: without one, the client looks for others in variables.
            api_key=api_key or "none",
            http_options=types.HttpOptions(
                base_url=address,
                api_version=api_version,
                httpx_async_client=self._http,
                # Never used; the client would read the machine's certificates for it.
                httpx_client=httpx.Client(transport=httpx.MockTransport(_nobody)),
                # Retries and time-outs are the runtime's: it knows the policy of the call, and
                # records each attempt.
                timeout=None,
                retry_options=None,
            ),
        )

    async def ask(self, parameters: Mapping[str, Any]) -> types.GenerateContentResponse:
        """Sends a request; gives the whole answer.

        Raises:
            ModelError: There is none.
        """
        return await self._answered(self._client.aio.models.generate_content(**parameters))

    async def stream(
        self, parameters: Mapping[str, Any]
    ) -> AsyncGenerator[types.GenerateContentResponse, None]:
        """Sends a request; gives the parts of the answer as they come.

        Raises:
            ModelError: There is no answer, or it breaks off.
        """
        sent: list[bool] = []
        _SENT.set(sent)
        failure: ModelError | None = None
        try:
            parts = await self._client.aio.models.generate_content_stream(**parameters)
            # That it can be closed, its type does not say.
            generator = cast("AsyncGenerator[types.GenerateContentResponse, None]", parts)
            async with aclosing(generator):
                async for part in generator:
                    yield part
        except _VENDORS as error:
            failure = model_error(error, self.host, self.secrets, sent=bool(sent))
        # Not raised above: the vendor's error would go along as its context, and holds the request
        # with its headers.
        if failure is not None:
            raise failure

    async def embed(self, parameters: Mapping[str, Any]) -> types.EmbedContentResponse:
        """Sends texts; gives their vectors, not yet checked.

        Raises:
            ModelError: There are none.
        """
        return await self._answered(self._client.aio.models.embed_content(**parameters))

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()
        self._client.close()

    async def _answered(self, call: Awaitable[T]) -> T:
        failure: ModelError
        sent: list[bool] = []
        _SENT.set(sent)
        try:
            return await call
        except _VENDORS as error:
            failure = model_error(error, self.host, self.secrets, sent=bool(sent))
        raise failure

    async def _prepare(self, request: httpx.Request) -> None:
        """Puts the headers right, just before a request leaves."""
        _SENT.get([]).append(True)
        request.headers.pop(_KEY, None)
        # Compressed, a small body could become one of any size.
        request.headers.update({"accept-encoding": "identity", **self._headers})

    async def _bound(self, response: httpx.Response) -> None:
        """Bounds every answer, before the vendor's client reads it."""
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding != "identity":
            raise ModelError(
                f"the answer of {self.host} is compressed ({encoding[:20]!r}), which was not asked "
                "for",
                code="bad_response",
            )
        response.stream = CheckedBody(response.stream, self.host)


def _nobody(_: httpx.Request) -> httpx.Response:
    return httpx.Response(501)
