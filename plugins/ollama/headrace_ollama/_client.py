"""The vendor's client, held so that it does one thing: one request, one answer or one error.

By itself it sends the ``OLLAMA_API_KEY`` that it finds in the environment to whichever server,
follows redirects with all headers, queues silently behind a hundred connections, and drops the
headers of failures. All of that is set right here by what its HTTP client offers.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx
import ollama

from headrace_ollama._body import CheckedBody
from headrace_ollama._failures import client_error, status_error

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from headrace.errors import ModelError
    from headrace.providers import Secrets

__all__ = ["Client"]

T = TypeVar("T")

_VENDORS = (
    ollama.ResponseError,
    ollama.RequestError,
    httpx.HTTPError,
    httpx.InvalidURL,
    ConnectionError,
    # What its reading of an answer ends with, where that has another form: it does not check.
    ValueError,
    TypeError,
    AttributeError,
    RecursionError,
)
_KEPT_OPEN = 100


class Client:
    """An open client of one model. Attributes: ``secrets``, what must not be in errors."""

    __slots__ = ("_client", "_model", "_where", "secrets")

    def __init__(
        self, *, host: str, headers: Mapping[str, str], secrets: Secrets, model: str
    ) -> None:
        self._model = model
        self.secrets = secrets
        self._where = host.partition("://")[2] or host
        self._client = ollama.AsyncClient(
            host,
            # Compressed, a small body could become one of any size.
            headers={**headers, "Accept-Encoding": "identity"},
            # The runtime's: it knows the policy of the call.
            timeout=None,
            # Secret headers would go along to wherever the server points.
            follow_redirects=False,
            # How many there are at a time is the runtime's, too.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=_KEPT_OPEN),
            auth=_sign(headers),
            event_hooks={"response": [self._check]},
        )

    async def chat(self, parameters: Mapping[str, Any]) -> ollama.ChatResponse:
        """Sends a request; gives the whole answer.

        Raises:
            ModelError: There is none.
        """
        return await self._answered(self._client.chat(**parameters, stream=False))

    async def stream(
        self, parameters: Mapping[str, Any]
    ) -> AsyncGenerator[ollama.ChatResponse, None]:
        """Sends a request; gives the parts of the answer as they come.

        Raises:
            ModelError: There is no answer, or it breaks off.
        """
        failure: ModelError | None = None
        try:
            parts = await self._client.chat(**parameters, stream=True)
            # That it can be closed, its type does not say.
            generator = cast("AsyncGenerator[ollama.ChatResponse, None]", parts)
            async with aclosing(generator):
                async for part in generator:
                    yield part
        except _VENDORS as error:
            failure = client_error(error, self._where, self.secrets)
        if failure is not None:
            raise failure

    async def embed(self, parameters: Mapping[str, Any]) -> ollama.EmbedResponse:
        """Sends texts; gives their vectors, not yet checked.

        Raises:
            ModelError: There are none.
        """
        return await self._answered(self._client.embed(**parameters))

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def _answered(self, call: Awaitable[T]) -> T:
        failure: ModelError
        try:
            return await call
        except _VENDORS as error:
            failure = client_error(error, self._where, self.secrets)
        # Not raised above: the vendor's error would go along as its context, and may hold the
        # request with its headers.
        raise failure

    async def _check(self, response: httpx.Response) -> None:
        """Looks at every answer before the vendor's client does."""
        response.stream = CheckedBody(response.stream, response.headers, self._where)
        if not response.is_success:
            raise status_error(
                response.status_code,
                response.headers,
                await response.aread(),
                where=self._where,
                model=self._model,
                secrets=self.secrets,
            )


def _sign(headers: Mapping[str, str]) -> Callable[[httpx.Request], httpx.Request]:
    """Takes off the key that the vendor's client found in the environment and nobody named."""
    signed = "authorization" in map(str.lower, headers)

    def sign(request: httpx.Request) -> httpx.Request:
        if not signed:
            request.headers.pop("authorization", None)
        return request

    return sign
