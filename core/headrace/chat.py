"""The words between agents and chat models: messages, tool calls, requests, answers."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["ChatRequest", "ChatResponse", "Message", "Prompt", "ToolCall", "ToolSpec", "Usage"]


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


class Message(_Frozen):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    """Who speaks."""
    content: str = ""
    """The text."""
    tool_calls: tuple[ToolCall, ...] = ()
    """The tools that an assistant's message calls."""
    tool_call_id: str | None = None
    """Of a tool's message: the call that it answers."""


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
    """Tokens read."""
    output_tokens: int = Field(default=0, ge=0)
    """Tokens written."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
        )


class ChatRequest(_Frozen):
    """What a chat model is asked."""

    messages: tuple[Message, ...] = Field(min_length=1)
    """The conversation so far."""
    tools: tuple[ToolSpec, ...] = ()
    """Tools that the model may call."""
    options: dict[str, Any] = Field(default_factory=dict)
    """The provider's own options for this one request, such as ``temperature``."""


class ChatResponse(_Frozen):
    """A chat model's answer."""

    message: Message
    """The assistant's message."""
    usage: Usage = Usage()
    """What it cost."""
    model: str = ""
    """The model that answered, as the provider calls it."""
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter"] = "stop"
    """Why the answer ended."""

    @property
    def text(self) -> str:
        """The answer's text."""
        return self.message.content


_FIELD = re.compile(r"\{\{([A-Za-z_][A-Za-z0-9_]*)\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Prompt(_Frozen):
    """A text or messages with ``{name}`` fields, filled once.

    A name that is not given stays as it is, and so do all other braces, so that JSON examples need
    no escape; ``{{name}}`` stands for a literal ``{name}``. What is filled in is not read again.
    """

    messages: tuple[Message, ...]
    """The messages, in order."""

    def __init__(self, text: str | None = None, /, **data: Any) -> None:
        if text is not None:
            data["messages"] = (Message(role="user", content=text),)
        super().__init__(**data)

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields."""
        found = (match[1] for m in self.messages for match in _FIELD.findall(m.content))
        return frozenset(name for name in found if name)

    def fill(self, **values: Any) -> tuple[Message, ...]:
        """The messages with their fields filled."""

        def put(match: re.Match[str]) -> str:
            if match[1]:
                return "{" + match[1] + "}"
            name = match[2]
            return str(values[name]) if name in values else match[0]

        return tuple(
            message.model_copy(update={"content": _FIELD.sub(put, message.content)})
            for message in self.messages
        )
