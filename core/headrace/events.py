"""Events: what actions are triggered by, and what they send.

An event class is a frozen pydantic model. Its *type* is a text, by default ``module:Class``; an
action triggers on the class, its subclasses, or on the text.
"""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    field_validator,
    model_validator,
)
from typing_extensions import TypeVar

from headrace.chat import ChatDelta, ChatRequest, ChatResponse
from headrace.filters import check_filter
from headrace.references import reference, unimportable

Input = TypeVar("Input", default=Any)

__all__ = [
    "ChatDeltaEvent",
    "ChatRequestEvent",
    "ChatResponseEvent",
    "Event",
    "InputEvent",
    "JoinRequestEvent",
    "JoinResponseEvent",
    "NamedEvent",
    "OutputEvent",
    "RetrievalRequestEvent",
    "RetrievalResponseEvent",
    "ToolRequestEvent",
    "ToolResponseEvent",
    "VerdictEvent",
    "copied",
    "event_types",
]


class Event(BaseModel):
    """The base of all events. Fields are typed and checked where the event is made.

    ::

        class Opened(Event, type="incident.opened"):   # the type is optional
            cluster: str
            severity: int
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_type: ClassVar[str] = "event"
    """The name of this class of events in plans, YAML and logs."""

    def __init_subclass__(cls, *, type: str | None = None, **kwargs: Any) -> None:  # noqa: A002
        """Gives the subclass its type."""
        super().__init_subclass__(**kwargs)
        if "[" in cls.__name__:
            return  # the same class with a type for a field: InputEvent[Order]
        cls.event_type = type or f"{cls.__module__}:{cls.__qualname__}"


class InputEvent(Event, Generic[Input], type="input"):
    """An input of the stream has arrived: the first event of every run.

    ``@action(InputEvent[Order])`` has it read as a class (a pydantic model, mostly): the action
    gets ``event.input`` as an ``Order``, of a row or a mapping too. One that does not fit fails
    the run.
    """

    input: Input
    """The input, as the source gave it; as the class that the action names."""


class OutputEvent(Event, type="output"):
    """Sends a value to the output stream, when the run commits. It triggers no action."""

    output: Any
    """The value: JSON-like, a pydantic model, a dataclass (see ``headrace.values.encode``)."""


class NamedEvent(Event, type="named"):
    """An event known by name alone, for agents that share no event class (YAML, for one)."""

    type: str = Field(min_length=1)
    """The name that actions trigger on."""
    data: dict[str, Any] = Field(default_factory=dict)
    """The event's fields; conditions read them as ``event.data.NAME``."""


class ChatRequestEvent(Event, type="chat_request"):
    """Asks the runtime for a model's answer; a ``ChatResponseEvent`` follows in the next step."""

    model: str
    """The name of a chat model of the agent."""
    request: ChatRequest | None = None
    """What the model is asked; ``None``: what the prompt and the fields say."""
    prompt: str | None = None
    """The prompt of the agent that comes before the request's messages; ``None``: the one that is
    bound to the model."""
    fields: dict[str, Any] = Field(default_factory=dict)
    """Values for the prompt's fields; ``input`` gives its own fields too."""
    tag: JsonValue = None
    """Handed back in the response, to tell several requests apart."""
    stream: bool = False
    """Asks for each ``ChatDeltaEvent`` too: the parts of the answer, as they came."""
    tools: tuple[str, ...] = ()
    """Names of the agent's tools: those that the model asks for are called, until it answers."""
    output: dict[str, JsonValue] | str | None = None
    """The form of the answer, as for ``ctx.chat``: a JSON schema, a class, or ``module:Class``."""

    @field_validator("output", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if not isinstance(value, type):
            return value
        if why := unimportable(value):
            raise ValueError(why)
        return reference(value)

    @model_validator(mode="after")
    def _one_way(self) -> ChatRequestEvent:
        if not (self.tools or self.output is not None):
            return self
        if self.request and (self.request.tools or self.request.output is not None):
            raise ValueError(
                "the request brings tools or a form itself: name them in the event, or answer "
                "what the model asks for yourself"
            )
        if self.stream:
            raise ValueError("parts are told of a single request: without tools and form")
        return self


class ChatDeltaEvent(Event, type="chat_delta"):
    """A part of the answer to a ``ChatRequestEvent`` that asked for them.

    They come in order, in the same step as the response, and before it. To see the parts while
    they are being written, use ``ctx.chat(..., on_delta=...)``.
    """

    request_id: str
    """The id that ``ctx.send`` gave for the request."""
    number: int
    """Its place, from 0."""
    delta: ChatDelta
    """The part."""
    tag: JsonValue = None
    """The request's tag."""


class ChatResponseEvent(Event, type="chat_response"):
    """A model's answer to a ``ChatRequestEvent``."""

    request_id: str
    """The id that ``ctx.send`` gave for the request."""
    response: ChatResponse
    """The answer."""
    tag: JsonValue = None
    """The request's tag."""


class ToolRequestEvent(Event, type="tool_request"):
    """Asks the runtime to call a tool; a ``ToolResponseEvent`` follows in the next step."""

    tool: str
    """The tool's name."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """The tool's arguments by name."""
    tag: JsonValue = None
    """Handed back in the response, to tell several requests apart."""


class ToolResponseEvent(Event, type="tool_response"):
    """A tool's result for a ``ToolRequestEvent``."""

    request_id: str
    """The id that ``ctx.send`` gave for the request."""
    result: Any = None
    """What the tool gave; a text that says why where ``failed``."""
    failed: bool = False
    """Whether the tool failed."""
    tag: JsonValue = None
    """The request's tag."""


class VerdictEvent(Event, type="verdict"):
    """Somebody has judged a run of this agent: the first event of a run of the same key.

    It comes with the inputs, where verdicts are fed to the agent (``docs/samples.md``).
    """

    sample: str
    """The id of the run that was judged."""
    verdict: Literal["good", "bad"]
    """What is said."""
    by: str
    """Who says it."""
    note: str = ""
    """Why."""
    labels: tuple[str, ...] = ()
    """Words to count by."""
    time: float
    """When it was said, in seconds since the epoch."""
    input: Any = None
    """What came in, as the sample has it: shortened, and without secrets."""
    outputs: list[Any] = Field(default_factory=list)
    """What left, as the sample has it."""


class RetrievalRequestEvent(Event, type="retrieval_request"):
    """Asks the runtime for passages; a ``RetrievalResponseEvent`` follows in the next step."""

    store: str
    """The name of one of the agent's vector stores."""
    embedder: str | None = None
    """The name of the embedding model that made the store's vectors; the store's own: ``None``."""
    query: str
    """What is looked for."""
    limit: int = Field(default=5, ge=1)
    """How many passages at most."""
    where: dict[str, Any] | None = None
    """Conditions on the metadata (``headrace.filters``)."""
    mode: Literal["vector", "keyword", "hybrid"] = "vector"
    """How they are found (``headrace.vectors.VectorQuery``)."""
    collection: str | None = None
    """Which of the store's collections; its own where ``None``."""
    tag: JsonValue = None
    """Handed back in the response, to tell several requests apart."""

    @field_validator("where")
    @classmethod
    def _is_a_condition(cls, where: dict[str, Any] | None) -> dict[str, Any] | None:
        check_filter(where)
        return where


class RetrievalResponseEvent(Event, type="retrieval_response"):
    """What was found for a ``RetrievalRequestEvent``."""

    request_id: str
    """The id that ``ctx.send`` gave for the request."""
    items: list[dict[str, Any]]
    """The passages, the best first: ``id``, ``text``, ``score`` (best 1), ``metadata``."""
    tag: JsonValue = None
    """The request's tag."""


class JoinRequestEvent(Event, type="join_request"):
    """Asks the runtime for several things at once; one ``JoinResponseEvent`` has all answers."""

    requests: tuple[ChatRequestEvent | ToolRequestEvent | RetrievalRequestEvent | str, ...] = Field(
        min_length=1
    )
    """What is asked for, all of it side by side; or the id that ``ctx.send`` gave for a request
    that was sent by itself, in this run, by whichever action."""
    tag: JsonValue = None
    """Handed back in the response, to tell several requests apart."""

    @model_validator(mode="after")
    def _whole(self) -> JoinRequestEvent:
        if any(isinstance(one, ChatRequestEvent) and one.stream for one in self.requests):
            raise ValueError("parts are told of a single request: leave stream out")
        return self


class JoinResponseEvent(Event, type="join_response"):
    """The answers to a ``JoinRequestEvent``."""

    request_id: str
    """The id that ``ctx.send`` gave for the request."""
    responses: tuple[
        ChatResponseEvent | ToolResponseEvent | RetrievalResponseEvent | JoinResponseEvent, ...
    ]
    """The answers, in the order of the requests; each has its own request's tag."""
    tag: JsonValue = None
    """The request's tag."""


_IMMUTABLE = frozenset({type(None), bool, int, float, str})


def copied(event: Event) -> Event:
    """An event that shares nothing that can change with ``event``."""
    if event.__pydantic_extra__ or any(
        type(value) not in _IMMUTABLE for value in vars(event).values()
    ):
        return event.model_copy(deep=True)
    return event


_TYPES: dict[type[Event], tuple[str, ...]] = {}


def event_types(event: Event) -> tuple[str, ...]:
    """The types that an event answers to, nearest first: its name, its class, the classes above."""
    kind = type(event)
    types = _TYPES.get(kind)
    if types is None:
        types = tuple(c.event_type for c in kind.__mro__ if issubclass(c, Event))
        _TYPES[kind] = types
    if kind is NamedEvent:
        return (event.type, *types)  # type: ignore[attr-defined]
    return types
