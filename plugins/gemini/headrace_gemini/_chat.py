"""The chat model: its settings, and the way from a request to an answer."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError, ResourceError
from headrace.interfaces import ChatModel
from headrace.options import asked_model, given_twice, merged_options, option_faults
from headrace_gemini._options import FIELDS, TYPED
from headrace_gemini._server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.chat import ChatDelta, ChatRequest, ChatResponse
    from headrace_gemini._answers import Answer
    from headrace_gemini._client import Client

__all__ = ["GeminiChatModel"]

_WHAT = "the gemini chat model"


class GeminiChatModel(ChatModel):
    """Answers through Google's Gemini API (``generateContent``), or a server that speaks the same.

    Arguments are part of the plan, so none of them holds a secret: keys are named by the
    environment variable that the worker finds them in. Retries and time-outs are the runtime's.

    Args:
        model: The model, as the provider calls it.
        thinking: How the model is to think, in the provider's words (``thinkingConfig``):
            ``{"thinkingLevel": "LOW", "includeThoughts": True}``.
        structured: Whether the provider is to keep answers to the form that is asked for. Models
            before Gemini 3 cannot while tools are offered: then the runtime tells them the form
            in words.
        temperature: The sampling temperature; the model's own where ``None``.
        base_url: The server; ``GOOGLE_GEMINI_BASE_URL`` of the worker, or else the provider's own,
            where ``None``.
        api_version: The version of the interface.
        api_key_env: The name of the environment variable that holds the API key; ``None`` for a
            server that asks for none, or for it in another header.
        options: Further options of the provider, by their names in its HTTP interface, such as
            ``seed``, ``topP`` or ``safetySettings``. A request's own options win over these.
        headers: Headers of every request.
        secret_headers: Headers whose values are secrets: the environment variable of each.
        http_client: The project's own function, as ``module:function``, that makes the HTTP client
            (an ``httpx.AsyncClient``); the usual one where ``None``.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(
        self,
        model: str,
        *,
        thinking: Mapping[str, Any] | None = None,
        structured: bool = True,
        temperature: float | None = None,
        base_url: str | None = None,
        api_version: str = "v1beta",
        api_key_env: str | None = "GEMINI_API_KEY",
        options: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
        http_client: str | None = None,
    ) -> None:
        self.structured = structured
        self._model = model
        self._server = Server(
            base_url=base_url,
            api_version=api_version,
            api_key_env=api_key_env,
            headers=headers,
            secret_headers=secret_headers,
            http_client=http_client,
        )
        own = {"thinkingConfig": thinking, "temperature": temperature}
        named = {name: value for name, value in own.items() if value is not None}
        self._options = {**(options or {}), **named}
        self._client: Client | None = None
        faults = [] if model.strip() else ["model is empty"]
        faults += [f"options: {text}" for text in option_faults(options or {}, {*TYPED, "model"})]
        faults += given_twice({"thinking": thinking, "temperature": temperature}, options, _NAMES)
        faults += self._server.faults()
        if faults:
            raise ResourceError(f"{_WHAT} cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Reads the secrets and makes the client.

        Raises:
            ResourceError: An environment variable is not set, or holds nothing usable; the text
                names it.
        """
        self._client = self._server.connect(_WHAT)

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
        client, parameters, answer = self._begin(request)
        answer.take(await client.ask(parameters))
        return answer.whole()

    async def stream(
        self, request: ChatRequest, on_delta: Callable[[ChatDelta], None]
    ) -> ChatResponse:
        """Answers one request, and tells of its text and thoughts while they are written.

        Raises:
            ModelError: As ``chat``; ``connection`` where the stream broke off.
            ResourceError: The model is not open.
        """
        client, parameters, answer = self._begin(request)
        async with aclosing(client.stream(parameters)) as parts:
            async for part in parts:
                delta = answer.take(part)
                if delta.text or delta.reasoning:
                    on_delta(delta)
        return answer.whole(streamed=True)

    def _begin(self, request: ChatRequest) -> tuple[Client, dict[str, Any], Answer]:
        """The open client, what it is asked, and the answer that is to come."""
        from headrace_gemini._answers import Answer
        from headrace_gemini._requests import chat_parameters

        if self._client is None:
            raise ResourceError(f"{_WHAT} is not open: await model.open() first")
        if request.output is not None and not self.structured:
            raise ModelError("this model is not structured and takes no form", code="bad_request")
        model = asked_model(request, self._model)
        options = merged_options(request, self._options, typed=TYPED, fields=FIELDS)
        parameters = chat_parameters(request, model, options)
        return self._client, parameters, Answer(request, model, self._client.secrets)


_NAMES = {
    "thinking": ("thinkingConfig", "thinking_config"),
    "temperature": FIELDS["temperature"],
}
"""For each argument of its own, the options that say the same."""
