"""The vendor's client, held so that it does one thing: one request, one answer or one error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import httpx2

from headrace.errors import ModelError
from headrace_anthropic._failures import model_error
from headrace_anthropic._requests import api_version

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from headrace.providers import Secrets

__all__ = ["Client"]

_LARGEST = 64 * 1024 * 1024
"""Bytes of an answer; the longest answers of the provider's models are about a hundredth of it."""
_TYPED = ("model", "max_tokens", "messages")


class Client:
    """An open client.

    Args:
        api_key: The key; ``None``: none is sent.
        base_url: The server; what the worker says (``ANTHROPIC_BASE_URL``), or else the
            provider's own, where ``None``.
        headers: Headers of every request.
        secrets: What must not be in errors.
        http: A project's own HTTP client, in place of the usual one.
    """

    __slots__ = ("_client", "_headers", "_secrets")

    def __init__(
        self,
        *,
        api_key: str | None,
        base_url: str | None,
        headers: Mapping[str, str],
        secrets: Secrets,
        http: httpx2.AsyncClient | None,
    ) -> None:
        if http is not None:
            http.follow_redirects = False
        self._secrets = secrets
        self._headers: dict[str, Any] = dict(headers)
        if api_key is None and "authorization" not in {name.lower() for name in headers}:
            self._headers["Authorization"] = anthropic.Omit()
        self._client = anthropic.AsyncAnthropic(
            # Given always: without one, the client looks for others in variables and files.
            api_key="none" if api_key is None else api_key,
            base_url=base_url,
            # Both are the runtime's: it knows the policy of the call, and records each attempt.
            max_retries=0,
            timeout=None,
            # So are traces: the client would make spans, and where a variable of the worker says
            # so put all that is said into them.
            open_telemetry=False,
            # No redirects: the one server that is asked gets the secrets, and no other.
            http_client=http
            or anthropic.DefaultAsyncHttpxClient(timeout=None, follow_redirects=False),
        )
        # Those of the worker's ANTHROPIC_CUSTOM_HEADERS, which could take the key's place. There
        # is no argument against it.
        self._client._custom_headers = {}  # noqa: SLF001

    @property
    def host(self) -> str:
        """The server's name."""
        return self._client.base_url.host

    async def ask(self, body: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        """Sends a request; gives the answer's body, piece by piece.

        Args:
            body: The request's body.

        Raises:
            ModelError: There is no answer, or it broke off.
        """
        failure: ModelError
        typed = {name: body[name] for name in _TYPED}
        # The rest beside them, for the client would refuse what its version does not know.
        rest = {name: value for name, value in body.items() if name not in _TYPED}
        headers = {"anthropic-version": api_version(body), **self._headers}
        try:
            async with self._client.messages.with_streaming_response.create(
                **typed, extra_body=rest, extra_headers=headers
            ) as answer:
                size = 0
                async for piece in answer.iter_bytes():
                    size += len(piece)
                    if size > _LARGEST:
                        break
                    yield piece
                else:
                    return
            failure = ModelError(
                f"the answer of {self.host} is longer than {_LARGEST} bytes", code="bad_response"
            )
        except (anthropic.AnthropicError, httpx2.HTTPError, TypeError, ValueError) as error:
            failure = model_error(error, self.host, self._secrets)
        # Not raised above: the vendor's error would go along as its context, and holds the request
        # with its headers.
        raise failure

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()
