"""The chat model: its settings, and the way from a request to an answer."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError, ResourceError
from headrace.interfaces import ChatModel
from headrace.options import asked_model, merged_options, option_faults
from headrace.providers import (
    Secrets,
    factory_faults,
    header_faults,
    made_by,
    read_secrets,
    url_faults,
    variable_faults,
)
from headrace_anthropic._answers import read_answer, response_of
from headrace_anthropic._requests import request_body
from headrace_anthropic._settings import FIELDS, TYPED, beta_faults, token_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.chat import ChatDelta, ChatRequest, ChatResponse
    from headrace_anthropic._client import Client

__all__ = ["AnthropicChatModel"]

_WHAT = "the anthropic chat model"


class AnthropicChatModel(ChatModel):
    """Answers through Anthropic's Messages API, or a server that speaks the same.

    Arguments are part of the plan, so none of them holds a secret: keys are named by the
    environment variable that the worker finds them in. Retries and time-outs are the runtime's.

    Args:
        model: The model, as the provider calls it.
        max_tokens: The most tokens that an answer may have, those of thinking included; a
            request's own wins. The provider wants one in every request.
        thinking: How the model is to think, in the provider's words: ``{"type": "adaptive"}``.
        structured: Whether the provider is to keep answers to the form that is asked for. Older
            models cannot: then the runtime tells them the form in words.
        temperature: The sampling temperature, for models that have one; the provider's own where
            ``None``.
        base_url: The server; ``ANTHROPIC_BASE_URL`` of the worker, or else Anthropic's own, where
            ``None``.
        api_key_env: The name of the environment variable that holds the API key; ``None`` for a
            server that asks for none, or for it in another header.
        betas: Names of what the provider offers on trial.
        options: Further options of the provider, by their names in its HTTP interface. A request's
            own options win over these.
        headers: Headers of every request.
        secret_headers: Headers whose values are secrets: the environment variable of each.
        http_client: The project's own function, as ``module:function``, that makes the HTTP client
            (an ``httpx2.AsyncClient``); the usual one where ``None``.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(
        self,
        model: str,
        *,
        max_tokens: int = 8192,
        thinking: Mapping[str, Any] | None = None,
        structured: bool = True,
        temperature: float | None = None,
        base_url: str | None = None,
        api_key_env: str | None = "ANTHROPIC_API_KEY",
        betas: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
        http_client: str | None = None,
    ) -> None:
        own = {"thinking": thinking, "temperature": temperature}
        named = {name: value for name, value in own.items() if value is not None}
        self.structured = structured
        self._model = model
        self._max_tokens = max_tokens
        self._base_url = base_url
        self._api_key_env = api_key_env
        self._options = {**(options or {}), **named}
        self._headers = dict(headers or {})
        self._secret_headers = dict(secret_headers or {})
        self._http_client = http_client
        self._client: Client | None = None
        self._secrets = Secrets(())
        faults = self._faults(betas, thinking)
        faults += [
            f"{name} is given in options: it is an argument of its own"
            for name in ("max_tokens", *named)
            if name in (options or {})
        ]
        if faults:
            raise ResourceError(f"{_WHAT} cannot be set up: " + "; ".join(faults))
        if betas:
            self._headers["anthropic-beta"] = ",".join(betas)

    async def open(self) -> None:
        """Reads the secrets and makes the client.

        Raises:
            ResourceError: An environment variable is not set, or holds nothing usable; the text
                names it.
        """
        import httpx2

        from headrace_anthropic._client import Client

        variables = [*self._secret_headers.values()]
        if self._api_key_env is not None:
            variables.append(self._api_key_env)
        values = read_secrets(variables, _WHAT)
        self._secrets = Secrets(values.values())
        secret_headers = {name: values[at] for name, at in self._secret_headers.items()}
        self._client = Client(
            api_key=None if self._api_key_env is None else values[self._api_key_env],
            base_url=self._base_url,
            headers={**self._headers, **secret_headers},
            secrets=self._secrets,
            http=made_by(self._http_client, httpx2.AsyncClient, _WHAT),
        )

    async def close(self) -> None:
        """Closes the client and its connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def chat(self, request: ChatRequest) -> ChatResponse:
        """Answers one request.

        Raises:
            ModelError: There is no answer; its ``code`` says why, and no secret is in its text.
            ResourceError: The model is not open.
        """
        client, body = self._prepared(request)
        answer = bytearray()
        async with aclosing(client.ask(body)) as pieces:
            async for piece in pieces:
                answer += piece
        return read_answer(bytes(answer), self._model, self._secrets)

    async def stream(
        self, request: ChatRequest, on_delta: Callable[[ChatDelta], None]
    ) -> ChatResponse:
        """Answers one request, and tells of its text and thinking while they are written.

        Raises:
            ModelError: As ``chat``; ``connection`` where the stream broke off.
            ResourceError: The model is not open.
        """
        from headrace_anthropic._streams import Assembly, events

        client, body = self._prepared(request)
        assembly = Assembly(on_delta, client.host, self._secrets)
        try:
            async with (
                aclosing(client.ask({**body, "stream": True})) as pieces,
                aclosing(events(pieces)) as parts,
            ):
                async for part in parts:
                    assembly.take(part)
        except ModelError:
            # What comes after the end does not matter; it is read so that the connection can be
            # used again.
            if not assembly.done:
                raise
        return response_of(assembly.answer(), self._model, self._secrets)

    def _prepared(self, request: ChatRequest) -> tuple[Client, dict[str, Any]]:
        """The open client, and the body of a request."""
        if self._client is None:
            raise ResourceError(f"{_WHAT} is not open: await model.open() first")
        options = {"max_tokens": self._max_tokens, **self._options}
        body = request_body(
            request,
            model=asked_model(request, self._model),
            options=merged_options(request, options, typed=TYPED, fields=FIELDS),
        )
        return self._client, body

    def _faults(self, betas: Sequence[str], thinking: Mapping[str, Any] | None) -> list[str]:
        faults = [] if self._model.strip() else ["model is empty"]
        faults += token_faults(self._max_tokens, thinking)
        faults += [f"options: {text}" for text in option_faults(self._options, TYPED)]
        faults += beta_faults(betas, [*self._headers, *self._secret_headers])
        if self._base_url is not None:
            faults += url_faults(self._base_url)
        faults += header_faults(self._headers)
        variables = {"api_key_env": self._api_key_env}
        variables |= {f"secret_headers: {name}": at for name, at in self._secret_headers.items()}
        faults += variable_faults(variables)
        return faults + factory_faults(self._http_client)
