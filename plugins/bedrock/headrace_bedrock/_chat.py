"""The chat model: its settings, and the way from a request to an answer."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from headrace.errors import ModelError
from headrace.interfaces import ChatModel
from headrace.options import asked_model, given_twice, merged_options, option_faults
from headrace_bedrock._connection import Connected
from headrace_bedrock._requests import FIELDS, TYPED, additional_faults, chat_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace.chat import ChatDelta, ChatRequest, ChatResponse

__all__ = ["BedrockChatModel"]

_MOST_MARKS = 4


@dataclass(kw_only=True, eq=False, repr=False)
class BedrockChatModel(Connected, ChatModel):
    """Answers through Amazon Bedrock's Converse, or a server that speaks the same.

    Arguments are part of the plan, so none of them holds a secret: keys are named by the
    environment variables that the worker finds them in; where none is named, the worker's own
    credentials count. Retries and time-outs are the runtime's.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    temperature: float | None = None
    """The sampling temperature; the model's own where ``None``."""
    reasoning_effort: str | None = None
    """How much a model that reasons is to reason, in the provider's words (``low``, ``medium``,
    ``high``); the model's own where ``None``."""
    strict_tools: bool = False
    """Whether calls of tools are kept to their schemas by the service, for models that can."""
    structured: bool = False
    """Whether the service is to keep answers to the form that is asked for, for models that can.
    Others are told the form in words, and the answer is checked."""
    cache_marks: int = _MOST_MARKS
    """How many marks for the cache (``Message.cache``) the model takes; 0 for those that refuse
    them."""
    options: Mapping[str, Any] | None = None
    """Further options of the provider, by their names in its HTTP interface, such as ``topP``,
    ``guardrailConfig`` or ``additionalModelRequestFields``. A request's own options win over
    these."""

    what: ClassVar[str] = "the bedrock chat model"
    _options: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        own = {"temperature": self.temperature, "effort": self.reasoning_effort}
        named = {name: value for name, value in own.items() if value is not None}
        self._options = {**(self.options or {}), **named}
        super().__post_init__()

    async def chat(self, request: ChatRequest) -> ChatResponse:
        """Answers one request.

        Raises:
            ModelError: There is no answer; its ``code`` says why, and no secret is in its text.
            ResourceError: The model is not open.
        """
        from headrace_bedrock._answers import read_answer

        client, parameters = self.client, self._asked(request)
        answer = await client.converse(parameters)
        return read_answer(answer, parameters["modelId"], client.secrets)

    async def stream(
        self, request: ChatRequest, on_delta: Callable[[ChatDelta], None]
    ) -> ChatResponse:
        """Answers one request, and tells of its text and reasoning while they are written.

        Raises:
            ModelError: As ``chat``; ``connection`` where the stream broke off.
            ResourceError: The model is not open.
        """
        from headrace_bedrock._streams import StreamedAnswer

        client, parameters = self.client, self._asked(request)
        answer = StreamedAnswer(parameters["modelId"], client.secrets)
        async with aclosing(client.stream(parameters)) as events:
            async for event in events:
                delta = answer.take(event)
                if delta.text or delta.reasoning:
                    on_delta(delta)
        return answer.whole()

    def _faults(self) -> list[str]:
        options = self.options or {}
        faults = [f"options: {text}" for text in option_faults(options, {*TYPED, "model"})]
        faults += [f"options: {text}" for text in additional_faults(options)]
        if not 0 <= self.cache_marks <= _MOST_MARKS:
            faults.append(f"cache_marks must be 0 to {_MOST_MARKS}")
        own = {"temperature": self.temperature, "reasoning_effort": self.reasoning_effort}
        return faults + given_twice(own, options, _NAMES)

    def _asked(self, request: ChatRequest) -> dict[str, Any]:
        """The parameters of a request."""
        if request.output is not None and not self.structured:
            raise ModelError("this model is not structured and takes no form", code="bad_request")
        return chat_parameters(
            request,
            asked_model(request, self.model),
            merged_options(request, self._options, typed=TYPED, fields=FIELDS),
            strict_tools=self.strict_tools,
            cache_marks=self.cache_marks,
        )


_NAMES = {"temperature": FIELDS["temperature"], "reasoning_effort": ("effort",)}
"""For each argument of its own, the options that say the same."""
