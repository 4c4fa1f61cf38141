"""What the chat models of both interfaces share: arguments, and the way from request to answer."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from headrace.chat import ChatDelta
from headrace.errors import ModelError
from headrace.interfaces import ChatModel
from headrace.options import asked_model, merged_options, option_faults
from headrace_openai._connection import Connected

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from headrace.chat import ChatRequest, ChatResponse
    from headrace_openai._client import Endpoint

__all__ = ["ChatBase", "Collected"]


class Collected(Protocol):
    """An answer that is put together of the events of a stream."""

    def take(self, data: bytes) -> bool:
        """Adds an event; true where it was the last."""

    def response(self, earlier: int) -> ChatResponse:
        """The whole answer, after ``earlier`` messages."""


@dataclass(kw_only=True, eq=False, repr=False)
class ChatBase(Connected, ChatModel):
    """A chat model of one of the interfaces.

    Marks of ``Message.cache`` need nothing: the provider caches what is the same by itself.
    """

    temperature: float | None = None
    """The sampling temperature; the provider's own where ``None``."""
    reasoning_effort: str | None = None
    """How much a model that reasons is to reason, in the provider's words (``low``, ``medium``,
    ``high``); the model's own where ``None``."""
    strict_tools: bool = False
    """Whether calls of tools are kept to their schemas by the server, where strict mode can say
    them; optional arguments are then always given."""
    structured: bool = True
    """Whether the server keeps to a form itself. Where it does not, the runtime tells the form in
    words and checks the answer."""

    endpoint: ClassVar[Endpoint]
    """The interface that is asked."""
    typed: ClassVar[Collection[str]]
    """Options that are told in another way, or that would change what an answer is."""
    fields: ClassVar[Mapping[str, Collection[str]]]
    """The options that say the same as a field of a request."""
    streamed: ClassVar[Mapping[str, Any]] = {}
    """What a request for a stream says besides."""
    _options: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._options = self._all_options()
        super().__post_init__()

    async def chat(self, request: ChatRequest) -> ChatResponse:
        """Answers one request.

        Raises:
            ModelError: There is no answer; its ``code`` says why, and no secret is in its text.
            ResourceError: The model is not open.
        """
        parameters, options = self._asked(request)
        return self._read(await self.client.ask(self.endpoint, parameters, options), request)

    async def stream(
        self, request: ChatRequest, on_delta: Callable[[ChatDelta], None]
    ) -> ChatResponse:
        """Answers one request, and tells of the parts while they come.

        Raises:
            ModelError: As ``chat``; ``connection`` where the stream broke off.
            ResourceError: The model is not open.
        """
        parameters, options = self._asked(request)
        parameters |= self.streamed
        collected = self._collected(request, on_delta)
        body = await self.client.stream(self.endpoint, parameters, options, collected.take)
        if body is None:
            return collected.response(len(request.messages))
        response = self._read(body, request)
        on_delta(ChatDelta(text=response.text, reasoning=response.message.reasoning))
        return response

    @abstractmethod
    def _all_options(self) -> dict[str, Any]:
        """The options that go along with every request, those that are arguments among them."""

    @abstractmethod
    def _parameters(self, request: ChatRequest, options: dict[str, Any]) -> dict[str, Any]:
        """The typed parameters of a request; what they take up of its options is taken out."""

    @abstractmethod
    def _read(self, body: bytes, request: ChatRequest) -> ChatResponse:
        """An answer that came whole."""

    @abstractmethod
    def _collected(self, request: ChatRequest, on_delta: Callable[[ChatDelta], None]) -> Collected:
        """An answer that is to come in parts."""

    def _faults(self) -> list[str]:
        return [f"options: {text}" for text in option_faults(self.options or {}, self.typed)]

    def _named(self, request: ChatRequest) -> str:
        """The model that answers, where the answer does not name one."""
        return asked_model(request, self.model)

    def _asked(self, request: ChatRequest) -> tuple[dict[str, Any], dict[str, Any]]:
        """The typed parameters and the options of a request."""
        if request.output is not None and not self.structured:
            raise ModelError("this model is not structured and takes no form", code="bad_request")
        options = merged_options(request, self._options, typed=self.typed, fields=self.fields)
        return self._parameters(request, options), options
