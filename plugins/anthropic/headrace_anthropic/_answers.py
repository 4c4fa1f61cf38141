"""From the body of an answer to a chat response.

The body is read here and not by the vendor's client, which builds its objects without checking
them: a broken answer would be found much later, or never. What is checked is only what is used, as
compatible servers leave out much of the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import pydantic_core
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from headrace.chat import ChatResponse, Message, Usage
from headrace.errors import ModelError
from headrace_anthropic._blocks import calls_of, native_of, reasoning_of, text_of

if TYPE_CHECKING:
    from headrace.providers import Secrets

__all__ = ["AnswerBlock", "bad_response", "faults_of", "read_answer", "read_json", "response_of"]

_SHOWN = 200
_CUT = frozenset({"max_tokens", "model_context_window_exceeded", "pause_turn"})
"""Reasons for an end that is not the answer's own."""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True)


class _Text(_Strict):
    text: str


class _Thinking(_Strict):
    thinking: str
    signature: str = ""


class _Redacted(_Strict):
    data: str


class _Call(_Strict):
    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    input: dict[str, Any]


class _Other(_Strict):
    type: str


_READ = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})


def _kind(block: Any) -> str:
    kind = block.get("type") if isinstance(block, dict) else None
    return kind if isinstance(kind, str) and kind in _READ else "other"


AnswerBlock = Annotated[
    Annotated[_Text, Tag("text")]
    | Annotated[_Thinking, Tag("thinking")]
    | Annotated[_Redacted, Tag("redacted_thinking")]
    | Annotated[_Call, Tag("tool_use")]
    | Annotated[_Other, Tag("other")],
    Discriminator(_kind),
]


class _Details(_Strict):
    thinking_tokens: int = Field(default=0, ge=0)


class _Usage(_Strict):
    input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)
    cache_read_input_tokens: int | None = Field(default=None, ge=0)
    cache_creation_input_tokens: int | None = Field(default=None, ge=0)
    output_tokens_details: _Details | None = None


class _Refusal(_Strict):
    category: str | None = None
    explanation: str | None = None


class _Answer(_Strict):
    content: list[AnswerBlock]
    stop_reason: str | None = None
    stop_details: _Refusal | None = None
    model: str | None = None
    usage: _Usage | None = None


def read_answer(body: bytes, model: str, secrets: Secrets) -> ChatResponse:
    """The chat response of an answer's body.

    Args:
        body: What the server sent.
        model: The model that was asked for, where the answer does not name one.
        secrets: What must not be in errors.

    Raises:
        ModelError: ``bad_response`` or ``refused``.
    """
    data, why = read_json(body)
    if why:
        raise bad_response(why, body, secrets)
    return response_of(data, model, secrets, body)


def response_of(data: Any, model: str, secrets: Secrets, body: bytes = b"") -> ChatResponse:
    """The chat response of an answer that is JSON already; arguments as for ``read_answer``.

    Raises:
        ModelError: ``bad_response`` or ``refused``.
    """
    answer = _checked(data)
    if isinstance(answer, str):
        raise bad_response(answer, body, secrets)
    if answer.stop_reason == "refusal":
        details = answer.stop_details or _Refusal()
        told = [text for text in (details.category, details.explanation) if text]
        why = secrets.hide(": ".join(told)) if told else "it does not say why"
        raise ModelError(f"the model refused: {why}", code="refused")
    blocks = data["content"]
    calls = calls_of(blocks)
    if len({call.id for call in calls}) < len(calls):
        raise bad_response("content: two tool calls have one id", body, secrets)
    return ChatResponse(
        message=Message(
            role="assistant",
            content=text_of(blocks),
            tool_calls=calls,
            reasoning=reasoning_of(blocks),
            native=native_of(blocks),
        ),
        usage=_usage(answer.usage or _Usage()),
        model=answer.model or model,
        finish_reason=_reason(answer.stop_reason, called=bool(calls)),
    )


def read_json(body: bytes) -> tuple[Any, str]:
    """What a body holds, or why it is no JSON; numbers that JSON does not have are none."""
    try:
        return pydantic_core.from_json(body, allow_inf_nan=False), ""
    except ValueError as error:
        return None, f"body: not JSON: {error}"


def faults_of(error: ValidationError) -> str:
    """What pydantic finds wrong, without what it was given."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False)[:5]
    )


def bad_response(why: str, body: bytes, secrets: Secrets) -> ModelError:
    """The error of an answer that is none."""
    text = f"the answer is not a message of the Messages API: {secrets.hide(why)}"
    if body:
        text += f". It begins: {secrets.hide(body.decode('utf-8', 'replace'), _SHOWN)!r}"
    return ModelError(text, code="bad_response")


def _checked(data: Any) -> _Answer | str:
    """The answer, or what is wrong with it.

    Pydantic's error goes no further, not even as a context: it quotes the body.
    """
    try:
        return _Answer.model_validate(data)
    except ValidationError as error:
        return faults_of(error)


def _usage(usage: _Usage) -> Usage:
    """The cost; the provider counts what its cache was asked for beside the input."""
    read = usage.cache_read_input_tokens or 0
    written = usage.cache_creation_input_tokens or 0
    details = usage.output_tokens_details or _Details()
    return Usage(
        input_tokens=(usage.input_tokens or 0) + read + written,
        output_tokens=usage.output_tokens or 0,
        cached_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=details.thinking_tokens,
    )


def _reason(reason: str | None, *, called: bool) -> Literal["stop", "length", "tool_calls"]:
    if reason in _CUT:
        return "length"
    return "tool_calls" if called else "stop"
