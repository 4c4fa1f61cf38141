"""The chat model: its settings, and the way from a request to an answer."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError, ResourceError
from headrace.interfaces import ChatModel
from headrace.options import asked_model, merged_options
from headrace_ollama._options import ASKED, FIELDS, option_faults
from headrace_ollama._server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.chat import ChatDelta, ChatRequest, ChatResponse
    from headrace_ollama._answers import Answer
    from headrace_ollama._client import Client

__all__ = ["OllamaChatModel"]

_WHAT = "the ollama chat model"


class OllamaChatModel(ChatModel):
    """Answers through an Ollama server.

    Arguments are part of the plan, so none of them holds a secret. Retries and time-outs are the
    runtime's; the client has none.

    Args:
        model: The model, as ``ollama list`` shows it.
        host: The server, as in ``OLLAMA_HOST``: an address, or ``host:port``. ``OLLAMA_HOST`` of
            the worker, or else ``127.0.0.1:11434``, where ``None``.
        temperature: The sampling temperature; the model's own where ``None``.
        think: Whether the model thinks first, or how much (``low``, ``medium``, ``high``), for
            models that can; the server's own choice where ``None``.
        keep_alive: How long the model stays loaded after a request: seconds, or ``"10m"``; the
            server's own choice where ``None``.
        options: Further options by Ollama's names, such as ``num_ctx``, ``seed`` or
            ``num_predict``. A request's own options win over these.
        api_key_env: The name of the environment variable that holds a key, sent as
            ``Authorization: Bearer``; ``None`` for a server that asks for none.
        headers: Headers of every request.
        secret_headers: Headers whose values are secrets: the environment variable of each.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    structured = True

    def __init__(
        self,
        model: str,
        *,
        host: str | None = None,
        temperature: float | None = None,
        think: bool | str | None = None,
        keep_alive: float | str | None = None,
        options: Mapping[str, Any] | None = None,
        api_key_env: str | None = None,
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
    ) -> None:
        self._model = model
        self._server = Server(host, api_key_env, headers, secret_headers)
        given = {"temperature": temperature, "think": think, "keep_alive": keep_alive}
        given = {name: value for name, value in given.items() if value is not None}
        self._settings = {**(options or {}), **given}
        self._client: Client | None = None
        faults = [] if model.strip() else ["model is empty"]
        faults += [f"options: {text}" for text in option_faults(self._settings)]
        faults += [
            f"{name} is given twice: as itself and in options"
            for name in given
            if name in (options or {})
        ]
        faults += self._server.faults()
        if faults:
            raise ResourceError(f"{_WHAT} cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Reads the secrets and makes the client.

        Raises:
            ResourceError: An environment variable is not set, or holds nothing usable; the text
                names it.
        """
        self._client = self._server.connect(self._model, _WHAT)

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
        answer.take(await client.chat(parameters))
        return answer.whole()

    async def stream(
        self, request: ChatRequest, on_delta: Callable[[ChatDelta], None]
    ) -> ChatResponse:
        """Answers one request, and tells of the parts of the answer as they come.

        Raises:
            ModelError: As ``chat``; also where the stream broke off.
            ResourceError: The model is not open.
        """
        client, parameters, answer = self._begin(request)
        async with aclosing(client.stream(parameters)) as parts:
            async for part in parts:
                delta = answer.take(part)
                if delta.text or delta.reasoning:
                    on_delta(delta)
        return answer.whole()

    def _begin(self, request: ChatRequest) -> tuple[Client, dict[str, Any], Answer]:
        from headrace_ollama._answers import Answer
        from headrace_ollama._requests import request_parameters

        if self._client is None:
            raise ResourceError(f"{_WHAT} is not open: await model.open() first")
        model = asked_model(request, self._model)
        settings = merged_options(request, self._settings, typed=ASKED, fields=FIELDS)
        if faults := option_faults(settings):
            raise ModelError(f"options of the request: {'; '.join(faults)}", code="bad_request")
        parameters = request_parameters(model, request, settings)
        return self._client, parameters, Answer(request, model, self._client.secrets)
