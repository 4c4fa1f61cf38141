"""The words between agents and chat models: messages, tool calls, requests, answers."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_serializer,
    model_validator,
)

if TYPE_CHECKING:
    from headrace.prompts import Prompt

__all__ = [
    "ChatDelta",
    "ChatRequest",
    "ChatResponse",
    "Image",
    "Message",
    "OutputSchema",
    "Prompt",
    "ToolCall",
    "ToolResult",
    "ToolSpec",
    "Usage",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolCall(_Frozen):
    """A model's wish to call a tool."""

    id: str
    """Joins the call to its result."""
    name: str
    """The tool's name."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Arguments by name, as the model gave them: not yet checked."""


_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}


class Image(_Frozen):
    """A picture: its bytes, or the address where the provider fetches it."""

    data: str | None = Field(default=None, repr=False)
    """The bytes in base64."""
    media_type: str = Field(default="image/png", pattern=r"^image/[a-z0-9.+-]+$")
    """What the bytes are."""
    url: str | None = None
    """An address that the provider, not this worker, reads."""

    @model_validator(mode="after")
    def _one_source(self) -> Image:
        if (self.data is None) == (self.url is None):
            raise ValueError("an image has either data (base64) or a url")
        return self

    @classmethod
    def from_bytes(cls, content: bytes, media_type: str | None = None) -> Image:
        """An image of its bytes; what it is, is told by its first bytes where it is not given.

        Raises:
            ValueError: They are not those of a PNG, JPEG, GIF or WebP, and no type is given.
        """
        if media_type is None:
            found = (kind for begin, kind in _SIGNATURES.items() if content.startswith(begin))
            media_type = next(found, None)
        if media_type is None:
            raise ValueError("this is no PNG, JPEG, GIF or WebP: give its media_type")
        return cls(data=base64.b64encode(content).decode(), media_type=media_type)


class Message(_Frozen):
    """One message of a conversation.

    What comes first in a message is its text, then its images, then its tool calls. To have an
    image between two texts, write two messages of one role.
    """

    role: Literal["system", "user", "assistant", "tool"]
    """Who speaks."""
    content: str = ""
    """The text."""
    tool_calls: tuple[ToolCall, ...] = ()
    """The tools that an assistant's message calls."""
    tool_call_id: str | None = None
    """Of a tool's message: the call that it answers."""
    failed: bool = False
    """Of a tool's message: whether the call failed, and ``content`` says why."""
    images: tuple[Image, ...] = ()
    """Pictures that a user shows or a tool gave."""
    reasoning: str = ""
    """Of an assistant's message: what it thought, where the provider tells."""
    native: dict[str, Any] = Field(default_factory=dict, repr=False)
    """What only the provider understands (signed reasoning, for one), by the plugin's name.

    A plugin sends back what it put there as it was; others leave it alone.
    """
    cache: bool = False
    """Marks the end of a part that is the same each time, for providers that cache by marks."""


class ToolResult(_Frozen):
    """What a tool gives a model, where that is more than a text or data."""

    text: str = ""
    """The text."""
    images: tuple[Image, ...] = ()
    """Pictures, for models that see them in a tool's message."""


class ToolSpec(_Frozen):
    """What a model is told of a tool."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """The name it is called by."""
    description: str = ""
    """What it does, in words for the model."""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    """JSON schema of the arguments."""


class Usage(_Frozen):
    """Tokens that a request has cost."""

    input_tokens: int = Field(default=0, ge=0)
    """Tokens read, those from and into the provider's cache included."""
    output_tokens: int = Field(default=0, ge=0)
    """Tokens written, those of reasoning included."""
    cached_tokens: int = Field(default=0, ge=0)
    """Of the input: tokens read from the provider's cache."""
    cache_write_tokens: int = Field(default=0, ge=0)
    """Of the input: tokens that were written to the provider's cache."""
    reasoning_tokens: int = Field(default=0, ge=0)
    """Of the output: tokens of reasoning."""
    cost: Decimal = Field(default=Decimal(0), ge=0)
    """What it cost, in the job's currency (the setting ``prices.currency``)."""
    unpriced_tokens: int = Field(default=0, ge=0)
    """Tokens whose price nobody knows: ``cost`` does not count them."""

    @field_serializer("cost", when_used="json")
    def _number(self, cost: Decimal) -> float:
        return float(cost)  # as it is written, a float of up to 15 digits is the same number

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        mine, others = self.model_dump(), other.model_dump()
        return Usage(**{name: mine[name] + others[name] for name in mine})


class OutputSchema(_Frozen):
    """The form that an answer must have."""

    name: str = Field(default="output", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """What the form is called."""
    json_schema: dict[str, Any]
    """JSON schema of the answer: an object's."""


class ChatRequest(_Frozen):
    """What a chat model is asked."""

    messages: tuple[Message, ...] = Field(min_length=1)
    """The conversation so far."""
    tools: tuple[ToolSpec, ...] = ()
    """Tools that the model may call."""
    tool_choice: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "auto"
    """``auto``, ``none``, ``required`` (some tool), or the name of the tool that must be called."""
    output: OutputSchema | None = None
    """The form of the answer; set for models that keep to it themselves (``structured``)."""
    max_tokens: int | None = Field(default=None, ge=1)
    """The most tokens that the answer may have; the provider's own limit where ``None``."""
    temperature: float | None = Field(default=None, ge=0)
    """The sampling temperature; the provider's own where ``None``."""
    stop: tuple[str, ...] = ()
    """Texts that end the answer, and are not part of it."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The provider's own options for this one request, such as ``seed``."""


class ChatResponse(_Frozen):
    """A chat model's answer."""

    message: Message
    """The assistant's message."""
    usage: Usage = Usage()
    """What it cost."""
    model: str = ""
    """The model that answered, as the provider calls it."""
    provider: str = ""
    """The plugin that asked it, or the class: ``openai``; the runtime says it."""
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"] = "stop"
    """Why the answer ended."""
    output: Any = None
    """The answer in the form that was asked for (``ctx.chat(..., output=Form)``): checked."""
    messages: tuple[Message, ...] = ()
    """What was said after the messages that were asked: calls of tools, their results, and the
    answer. Set by ``ctx.chat``, for those that go on with the conversation."""

    @property
    def text(self) -> str:
        """The answer's text."""
        return self.message.content


class ChatDelta(_Frozen):
    """A part of an answer that is still being written."""

    text: str = ""
    """More of the answer's text."""
    reasoning: str = ""
    """More of what the model thinks."""
    restarted: bool = False
    """The request is made anew: what was told so far is to be forgotten."""


def __getattr__(name: str) -> Any:
    if name != "Prompt":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from headrace.prompts import Prompt  # it is made of messages, so it cannot come first

    return Prompt
