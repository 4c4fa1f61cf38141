"""The chat model of chat completions: what is its own beside what all share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from headrace.options import given_twice
from headrace_openai._chat_answers import read_answer
from headrace_openai._chat_base import ChatBase
from headrace_openai._chat_requests import request_parameters
from headrace_openai._chat_stream import ChatStream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.chat import ChatDelta, ChatRequest, ChatResponse
    from headrace_openai._client import Endpoint

__all__ = ["OpenAIChatModel"]

_LIMITS = ("max_tokens", "max_completion_tokens")


@dataclass(kw_only=True, eq=False, repr=False)
class OpenAIChatModel(ChatBase):
    """Answers through OpenAI's chat completions, Azure's, or a server that speaks the same.

    Arguments are part of the plan, so none of them holds a secret: keys are named by the
    environment variable that the worker finds them in. Retries and time-outs are the runtime's.
    Marks of ``Message.cache`` need nothing: the provider caches what is the same by itself.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    max_tokens_option: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """What the server calls the limit of an answer: older ones only know ``max_tokens``."""
    reasoning_field: str | None = None
    """What a server that wants an assistant's reasoning back calls it, such as
    ``reasoning_content``; it is not sent where ``None``."""

    what: ClassVar[str] = "the openai chat model"
    endpoint: ClassVar[Endpoint] = "chat/completions"
    typed = frozenset(
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
    fields: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "max_tokens": _LIMITS,
        "output": ("response_format",),
        "stop": ("stop",),
        "temperature": ("temperature",),
    }
    streamed: ClassVar[Mapping[str, Any]] = {"stream_options": {"include_usage": True}}

    def _faults(self) -> list[str]:
        faults = super()._faults() + given_twice(self._own(), self.options)
        if self.max_tokens_option not in _LIMITS:
            faults.append("max_tokens_option is neither max_completion_tokens nor max_tokens")
        if self.reasoning_field in {"", "content", "name", "refusal", "role", "tool_calls"}:
            faults.append(f"reasoning_field: {self.reasoning_field!r} is no name for reasoning")
        return faults

    def _own(self) -> dict[str, Any]:
        """The arguments that are options at the provider, by its names."""
        return {"temperature": self.temperature, "reasoning_effort": self.reasoning_effort}

    def _all_options(self) -> dict[str, Any]:
        own = {name: value for name, value in self._own().items() if value is not None}
        return {**(self.options or {}), **own}

    def _parameters(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - all go beside
        return request_parameters(
            self.model_of(request),
            request,
            strict_tools=self.strict_tools,
            max_tokens_option=self.max_tokens_option,
            reasoning_field=self.reasoning_field,
        )

    def _read(self, body: bytes, request: ChatRequest) -> ChatResponse:
        return read_answer(body, self._named(request), len(request.messages), self.client)

    def _collected(self, request: ChatRequest, on_delta: Callable[[ChatDelta], None]) -> ChatStream:
        return ChatStream(self._named(request), self.client, on_delta)
