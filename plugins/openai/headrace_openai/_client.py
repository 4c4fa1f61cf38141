"""The vendor's client, held so that it does one thing: one request, one answer or one error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai

from headrace_openai._failures import model_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.errors import ModelError
    from headrace_openai._secrets import Secrets

__all__ = ["Client"]


class Client:
    """An open client."""

    __slots__ = ("_client", "_secrets")

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str | None,
        organization: str | None,
        headers: Mapping[str, str],
        secrets: Secrets,
    ) -> None:
        self._secrets = secrets
        self._client = openai.AsyncOpenAI(
            api_key=api_key,
            base_url=base_url,
            organization=organization,
            default_headers=dict(headers),
            # Both are the runtime's: it knows the policy of the call, and records each attempt.
            max_retries=0,
            timeout=None,
        )

    async def ask(self, parameters: dict[str, Any], options: dict[str, Any]) -> bytes:
        """Sends a request; gives the answer's body.

        Args:
            parameters: The typed parameters of ``chat.completions.create``.
            options: Everything else, put into the body beside them: so an option that this version
                of the client does not know reaches the provider too.

        Raises:
            ModelError: There is no answer.
        """
        failure: ModelError
        try:
            answer = await self._client.chat.completions.with_raw_response.create(
                **parameters, extra_body=options or None
            )
        except (openai.OpenAIError, TypeError, ValueError) as error:
            failure = model_error(error, self._client.base_url.host, self._secrets)
        else:
            body: bytes = answer.http_response.content
            return body
        # Not raised above: the vendor's error would go along as its context, and holds the request
        # with its headers.
        raise failure

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()
