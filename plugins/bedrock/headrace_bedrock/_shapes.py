"""What is used of an answer, whole or in events, as the service's reference has it.

AWS's client reads answers by the service's model without holding them to it; these do.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = ["Added", "Answer", "Block", "Delta", "Event", "Stopped", "Trace", "Usage"]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, alias_generator=to_camel)


class Call(_Strict):
    tool_use_id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    input: dict[str, Any]
    type: str | None = None


class ReasoningText(_Strict):
    text: str
    signature: str | None = None


class Reasoning(_Strict):
    reasoning_text: ReasoningText | None = None
    redacted_content: bytes | None = None


class Block(_Strict):
    text: str | None = None
    tool_use: Call | None = None
    reasoning_content: Reasoning | None = None


class Usage(_Strict):
    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    cache_read_input_tokens: int = Field(default=0, ge=0)
    cache_write_input_tokens: int = Field(default=0, ge=0)


class Router(_Strict):
    invoked_model_id: str | None = None


class Trace(_Strict):
    prompt_router: Router | None = None


class Message(_Strict):
    content: list[Block]


class Output(_Strict):
    message: Message


class Answer(_Strict):
    output: Output
    stop_reason: str
    usage: Usage | None = None
    trace: Trace | None = None
    additional_model_response_fields: Any = None


class CallStart(_Strict):
    tool_use_id: str
    name: str
    type: str | None = None


class Start(_Strict):
    tool_use: CallStart | None = None


class CallDelta(_Strict):
    input: str


class ReasoningDelta(_Strict):
    text: str = ""
    signature: str | None = None
    redacted_content: bytes | None = None


class Delta(_Strict):
    text: str = ""
    tool_use: CallDelta | None = None
    reasoning_content: ReasoningDelta | None = None


class Started(_Strict):
    content_block_index: int = Field(ge=0)
    start: Start


class Added(_Strict):
    content_block_index: int = Field(ge=0)
    delta: Delta


class Stopped(_Strict):
    stop_reason: str
    additional_model_response_fields: Any = None


class Metadata(_Strict):
    usage: Usage | None = None
    trace: Trace | None = None


class Event(_Strict):
    content_block_start: Started | None = None
    content_block_delta: Added | None = None
    message_stop: Stopped | None = None
    metadata: Metadata | None = None
