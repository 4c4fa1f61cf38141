"""The chat model of the responses interface: what is its own beside what all share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.errors import ModelError
from headrace.options import given_twice
from headrace_openai._chat_base import ChatBase
from headrace_openai._responses_answers import ResponseStream, read_response
from headrace_openai._responses_requests import request_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.chat import ChatDelta, ChatRequest, ChatResponse
    from headrace_openai._client import Endpoint

__all__ = ["OpenAIResponsesModel"]


@dataclass(kw_only=True, eq=False, repr=False)
class OpenAIResponsesModel(ChatBase):
    """Answers through OpenAI's responses interface, Azure's, or a server that speaks the same.

    Nothing is kept at the provider (``store`` is false): the conversation goes along with each
    request. Reasoning comes encrypted, is kept in ``Message.native`` and goes back as it was, for
    as long as the message's text and calls are what the model said. Marks of ``Message.cache`` need
    nothing: the provider caches what is the same by itself.

    Arguments are part of the plan, so none of them holds a secret: keys are named by the
    environment variable that the worker finds them in. Retries and time-outs are the runtime's.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    keep_reasoning: bool = True
    """Whether to ask for encrypted reasoning; some models without reasoning refuse to be asked."""

    what: ClassVar[str] = "the openai-responses chat model"
    endpoint: ClassVar[Endpoint] = "responses"
    typed = frozenset(
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
    fields: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "max_tokens": ("max_output_tokens",),
        "temperature": ("temperature",),
    }

    def _faults(self) -> list[str]:
        faults = super()._faults()
        if _format(self.options or {}):
            faults.append("options: text.format is not an option: it is the request's output")
        faults += given_twice({"temperature": self.temperature}, self.options)
        if self.reasoning_effort is not None and "effort" in self._reasoning():
            faults.append("reasoning_effort is given twice: as itself and in options")
        return faults

    def _reasoning(self) -> dict[str, Any]:
        return dict((self.options or {}).get("reasoning") or {})

    def _all_options(self) -> dict[str, Any]:
        options = dict(self.options or {})
        if self.temperature is not None:
            options["temperature"] = self.temperature
        if self.reasoning_effort is not None:
            options["reasoning"] = {**self._reasoning(), "effort": self.reasoning_effort}
        return options

    def _parameters(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:
        if _format(request.options):
            text = "options of the request: text.format is not an option: it is the output"
            raise ModelError(text, code="bad_request")
        parameters = request_parameters(
            self.model_of(request),
            request,
            strict_tools=self.strict_tools,
            host=self.client.host,
            keep_reasoning=self.keep_reasoning,
        )
        if "text" in parameters and isinstance(options.get("text"), dict):
            # The form is one part of it; the options may say the others, such as its verbosity.
            parameters["text"] = {**options.pop("text"), **parameters["text"]}
        return parameters

    def _read(self, body: bytes, request: ChatRequest) -> ChatResponse:
        return read_response(body, self._named(request), len(request.messages), self.client)

    def _collected(
        self, request: ChatRequest, on_delta: Callable[[ChatDelta], None]
    ) -> ResponseStream:
        return ResponseStream(self._named(request), self.client, on_delta)


def _format(options: Mapping[str, Any]) -> bool:
    text = options.get("text")
    return isinstance(text, dict) and "format" in text
