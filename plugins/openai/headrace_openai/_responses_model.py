"""The chat model of the responses interface: its settings, and the way to an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.chat import ChatDelta
from headrace.errors import ModelError, ResourceError
from headrace.interfaces import ChatModel
from headrace.options import given_twice, merged_options, option_faults
from headrace_openai._connection import Connection
from headrace_openai._responses_answers import ResponseStream, read_response
from headrace_openai._responses_requests import request_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.chat import ChatRequest, ChatResponse

__all__ = ["OpenAIResponsesModel"]

_TYPED = frozenset(
    {
        "background",
        "conversation",
        "include",
        "input",
        "instructions",
        "model",
        "previous_response_id",
        "store",
        "stream",
        "stream_options",
        "tool_choice",
        "tools",
    }
)
"""Options that are told in another way, or that would change what an answer is."""
_FIELDS = {"max_tokens": ("max_output_tokens",), "temperature": ("temperature",)}
"""The options that say the same as a field of a request."""


class OpenAIResponsesModel(ChatModel):
    """Answers through OpenAI's responses interface, Azure's, or a server that speaks the same.

    Nothing is kept at the provider (``store`` is false): the conversation goes along with each
    request. Reasoning comes encrypted, is kept in ``Message.native`` and goes back as it was, for
    as long as the message's text and calls are what the model said. Marks of ``Message.cache`` need
    nothing: the provider caches what is the same by itself.

    Arguments are part of the plan, so none of them holds a secret: keys are named by the
    environment variable that the worker finds them in. Retries and time-outs are the runtime's.

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
        structured: Whether the server keeps to a form (``text.format``) itself. Where it does not,
            the runtime tells the form in words and checks the answer.
        keep_reasoning: Whether to ask for encrypted reasoning; some models without reasoning
            refuse to be asked.
        options: Further options of the provider, by their names in its HTTP interface, such as
            ``{"reasoning": {"effort": "low"}}``. A request's own options win over these.
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
        keep_reasoning: bool = True,
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
        if _format(self._options):
            faults.append("options: text.format is not an option: it is the request's output")
        faults += given_twice({"temperature": temperature}, options)
        if temperature is not None:
            self._options["temperature"] = temperature
        if reasoning_effort is not None:
            reasoning = dict(self._options.get("reasoning") or {})
            if "effort" in reasoning:
                faults.append("reasoning_effort is given twice: as itself and in options")
            self._options["reasoning"] = {**reasoning, "effort": reasoning_effort}
        self._strict_tools = strict_tools
        self.structured = structured
        self._keep_reasoning = keep_reasoning
        self._connection = Connection(
            "the openai-responses chat model",
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
            text = "the openai-responses chat model cannot be set up: "
            raise ResourceError(text + "; ".join(faults))

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
        body = await client.ask("responses", parameters, options)
        return read_response(body, self._model, len(request.messages), client)

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
        collected = ResponseStream(self._model, client, on_delta)
        body = await client.stream("responses", parameters, options, collected.take)
        if body is None:
            return collected.response(len(request.messages))
        response = read_response(body, self._model, len(request.messages), client)
        on_delta(ChatDelta(text=response.text, reasoning=response.message.reasoning))
        return response

    def _asked(self, request: ChatRequest) -> tuple[dict[str, Any], dict[str, Any]]:
        """The typed parameters and the options of a request."""
        if request.output is not None and not self.structured:
            raise ModelError("this model is not structured and takes no form", code="bad_request")
        options = merged_options(request, self._options, typed=_TYPED, fields=_FIELDS)
        if _format(request.options):
            text = "options of the request: text.format is not an option: it is the output"
            raise ModelError(text, code="bad_request")
        parameters = request_parameters(
            self._connection.model_of(request),
            request,
            strict_tools=self._strict_tools,
            host=self._connection.client.host,
            keep_reasoning=self._keep_reasoning,
        )
        if "text" in parameters and isinstance(options.get("text"), dict):
            # The form is one part of it; the options may say the others, such as its verbosity.
            parameters["text"] = {**options.pop("text"), **parameters["text"]}
        return parameters, options


def _format(options: Mapping[str, Any]) -> bool:
    text = options.get("text")
    return isinstance(text, dict) and "format" in text
