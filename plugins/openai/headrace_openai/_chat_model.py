"""The chat model of chat completions: its settings, and the way from a request to an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from headrace.chat import ChatDelta
from headrace.errors import ModelError, ResourceError
from headrace.interfaces import ChatModel
from headrace.options import asked_model, given_twice, merged_options, option_faults
from headrace_openai._chat_answers import read_answer
from headrace_openai._chat_requests import request_parameters
from headrace_openai._chat_stream import ChatStream
from headrace_openai._connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.chat import ChatRequest, ChatResponse

__all__ = ["OpenAIChatModel"]

_TYPED = frozenset(
    {
        "function_call",
        "functions",
        "messages",
        "model",
        "n",
        "stream",
        "stream_options",
        "tool_choice",
        "tools",
    }
)
"""Options that are told in another way, or that would change what an answer is."""
_FIELDS = {
    "max_tokens": ("max_tokens", "max_completion_tokens"),
    "output": ("response_format",),
    "stop": ("stop",),
    "temperature": ("temperature",),
}
"""The options that say the same as a field of a request."""


class OpenAIChatModel(ChatModel):
    """Answers through OpenAI's chat completions, Azure's, or a server that speaks the same.

    Arguments are part of the plan, so none of them holds a secret: keys are named by the
    environment variable that the worker finds them in. Retries and time-outs are the runtime's.
    Marks of ``Message.cache`` need nothing: the provider caches what is the same by itself.

    Args:
        model: The model, as the provider calls it; on Azure, the deployment.
        base_url: The server; ``OPENAI_BASE_URL`` of the worker, or else OpenAI's own, where
            ``None``.
        api_key_env: The name of the environment variable that holds the API key; where it is left
            out ``OPENAI_API_KEY``, on Azure ``AZURE_OPENAI_API_KEY``; ``None`` for a server that
            asks for none.
        organization: OpenAI's organisation; ``OPENAI_ORG_ID`` of the worker where ``None``.
        project: OpenAI's project; ``OPENAI_PROJECT_ID`` of the worker where ``None``.
        temperature: The sampling temperature; the provider's own where ``None``.
        reasoning_effort: How much a model that reasons is to reason, in the provider's words
            (``low``, ``medium``, ``high``); the model's own where ``None``.
        strict_tools: Whether calls of tools are kept to their schemas by the server, where strict
            mode can say them; optional arguments are then always given.
        structured: Whether the server keeps to a form (``response_format``) itself. Where it does
            not, the runtime tells the form in words and checks the answer.
        max_tokens_option: What the server calls the limit of an answer: older ones only know
            ``max_tokens``.
        reasoning_field: What a server that wants an assistant's reasoning back calls it, such as
            ``reasoning_content``; it is not sent where ``None``.
        options: Further options of the provider, by their names in its HTTP interface. A request's
            own options win over these.
        azure_endpoint: The address of an Azure resource, in place of ``base_url``.
        api_version: Azure's version of the interface, such as ``2025-03-01-preview``.
        azure_deployment: The name of the deployment on Azure, where it is not ``model``.
        headers: Headers of every request.
        secret_headers: Headers whose values are secrets: the environment variable of each.
        http_client: The project's own function, as ``module:function``, that makes the HTTP client
            (an ``AsyncClient`` of what the vendor's client sends with); the usual one where
            ``None``.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key_env: str | None = "OPENAI_API_KEY",
        organization: str | None = None,
        project: str | None = None,
        temperature: float | None = None,
        reasoning_effort: str | None = None,
        strict_tools: bool = False,
        structured: bool = True,
        max_tokens_option: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens",
        reasoning_field: str | None = None,
        options: Mapping[str, Any] | None = None,
        azure_endpoint: str | None = None,
        api_version: str | None = None,
        azure_deployment: str | None = None,
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
        http_client: str | None = None,
    ) -> None:
        self._model = model
        self._options = dict(options or {})
        faults = [f"options: {text}" for text in option_faults(self._options, _TYPED)]
        own = {"temperature": temperature, "reasoning_effort": reasoning_effort}
        faults += given_twice(own, options)
        self._options |= {name: value for name, value in own.items() if value is not None}
        self._strict_tools = strict_tools
        self.structured = structured
        self._max_tokens_option = max_tokens_option
        if max_tokens_option not in _FIELDS["max_tokens"]:
            faults.append("max_tokens_option is neither max_completion_tokens nor max_tokens")
        self._reasoning_field = reasoning_field
        if reasoning_field in {"", "content", "name", "refusal", "role", "tool_calls"}:
            faults.append(f"reasoning_field: {reasoning_field!r} is no name for reasoning")
        self._connection = Connection(
            "the openai chat model",
            model=model,
            base_url=base_url,
            api_key_env=api_key_env,
            organization=organization,
            project=project,
            azure_endpoint=azure_endpoint,
            api_version=api_version,
            azure_deployment=azure_deployment,
            headers=headers,
            secret_headers=secret_headers,
            http_client=http_client,
        )
        faults = [*self._connection.faults(), *faults]
        if faults:
            raise ResourceError("the openai chat model cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Reads the secrets and makes the client.

        Raises:
            ResourceError: An environment variable is not set, or holds nothing usable; the text
                names it.
        """
        self._connection.open()

    async def close(self) -> None:
        """Closes the client and its connections."""
        await self._connection.close()

    async def chat(self, request: ChatRequest) -> ChatResponse:
        """Answers one request.

        Raises:
            ModelError: There is no answer; its ``code`` says why, and no secret is in its text.
            ResourceError: The model is not open.
        """
        client = self._connection.client
        parameters, options = self._asked(request)
        body = await client.ask("chat/completions", parameters, options)
        return read_answer(body, self._named(request), len(request.messages), client)

    async def stream(
        self, request: ChatRequest, on_delta: Callable[[ChatDelta], None]
    ) -> ChatResponse:
        """Answers one request, and tells of the parts while they come.

        Raises:
            ModelError: As ``chat``; ``connection`` where the stream broke off.
            ResourceError: The model is not open.
        """
        client = self._connection.client
        parameters, options = self._asked(request)
        parameters["stream_options"] = {"include_usage": True}
        collected = ChatStream(self._named(request), client, on_delta)
        body = await client.stream("chat/completions", parameters, options, collected.take)
        if body is None:
            return collected.response(len(request.messages))
        response = read_answer(body, self._named(request), len(request.messages), client)
        on_delta(ChatDelta(text=response.text, reasoning=response.message.reasoning))
        return response

    def _named(self, request: ChatRequest) -> str:
        """The model that answers, where the answer does not name one."""
        return asked_model(request, self._model)

    def _asked(self, request: ChatRequest) -> tuple[dict[str, Any], dict[str, Any]]:
        """The typed parameters and the options of a request."""
        if request.output is not None and not self.structured:
            raise ModelError("this model is not structured and takes no form", code="bad_request")
        options = merged_options(request, self._options, typed=_TYPED, fields=_FIELDS)
        parameters = request_parameters(
            self._connection.model_of(request),
            request,
            strict_tools=self._strict_tools,
            max_tokens_option=self._max_tokens_option,
            reasoning_field=self._reasoning_field,
        )
        return parameters, options
