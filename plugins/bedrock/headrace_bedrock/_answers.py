"""From a whole answer to a chat response.

AWS's client reads answers by the service's model without holding them to it: a broken answer would
be found much later, or never. What is checked here is what is used.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from headrace.chat import ChatResponse, Message, Usage
from headrace.errors import ModelError
from headrace_bedrock import _shapes as shapes
from headrace_bedrock._blocks import calls_of, native_of, reasoning_of, text_of
from headrace_bedrock._json import json_fault

if TYPE_CHECKING:
    from headrace.providers import Secrets
    from headrace_bedrock._blocks import Block

__all__ = ["bad_response", "checked", "read_answer", "routed"]

T = TypeVar("T", bound=BaseModel)

_CUT = frozenset({"max_tokens", "model_context_window_exceeded"})
_FILTERS = frozenset({"content_filtered", "guardrail_intervened"})
_BROKEN = frozenset({"malformed_model_output", "malformed_tool_use"})
"""The model wrote something that is no answer; asked again, it may do better."""


def read_answer(body: dict[str, Any], model: str, secrets: Secrets) -> ChatResponse:
    """The chat response of a whole answer.

    Args:
        body: What the client read.
        model: The model that was asked for; the service names none, but where it chose itself.
        secrets: What must not be in errors.

    Raises:
        ModelError: ``bad_response`` or ``content_filtered``.
    """
    answer = checked(shapes.Answer, body, secrets)
    blocks = [made for block in answer.output.message.content if (made := _block(block))]
    return _response(
        blocks,
        answer.stop_reason,
        routed(answer.trace, model),
        usage=answer.usage,
        fields=answer.additional_model_response_fields,
        secrets=secrets,
    )


def _block(block: shapes.Block) -> Block | None:
    """A block as JSON; ``None`` for one of a kind that is not read."""
    if block.text is not None:
        return {"text": block.text}
    if block.tool_use is not None and block.tool_use.type is None:
        return {"toolUse": block.tool_use.model_dump(by_alias=True, exclude_none=True)}
    if block.reasoning_content is None:
        return None
    sealed, text = block.reasoning_content.redacted_content, block.reasoning_content.reasoning_text
    if sealed is not None:
        return {"reasoningContent": {"redactedContent": base64.b64encode(sealed).decode()}}
    if text is None:
        return None
    return {
        "reasoningContent": {"reasoningText": text.model_dump(by_alias=True, exclude_none=True)}
    }


def _response(
    blocks: list[Block],
    reason: str,
    model: str,
    *,
    usage: shapes.Usage | None,
    fields: Any,
    secrets: Secrets,
) -> ChatResponse:
    if fault := json_fault([blocks, fields]):
        raise bad_response(f"it is not JSON: {fault}", secrets)
    text, calls = text_of(blocks), calls_of(blocks)
    if reason in _BROKEN:
        raise bad_response(f"the model wrote none ({reason})", secrets)
    if reason in _FILTERS and not (text or calls):
        why = f"a filter of the provider left nothing ({reason})"
        raise ModelError(why, code="content_filtered")
    if len({call.id for call in calls}) < len(calls):
        raise bad_response("two tool calls have one id", secrets)
    return ChatResponse(
        message=Message(
            role="assistant",
            content=text,
            tool_calls=calls,
            reasoning=reasoning_of(blocks),
            native=native_of(blocks, fields if isinstance(fields, dict) else None),
        ),
        usage=_costs(usage),
        model=model,
        finish_reason=_finish(reason, called=bool(calls)),
    )


def _finish(
    reason: str, *, called: bool
) -> Literal["stop", "length", "tool_calls", "content_filter"]:
    if reason in _CUT:
        return "length"
    if reason in _FILTERS:
        return "content_filter"
    return "tool_calls" if called else "stop"


def _costs(usage: shapes.Usage | None) -> Usage:
    if usage is None:
        return Usage()
    cached, written = usage.cache_read_input_tokens, usage.cache_write_input_tokens
    return Usage(
        # The service counts apart what was read from the cache or written to it.
        input_tokens=usage.input_tokens + cached + written,
        output_tokens=usage.output_tokens,
        cached_tokens=cached,
        cache_write_tokens=written,
    )


def routed(trace: shapes.Trace | None, model: str) -> str:
    """The model that a router of the service chose, or the one that was asked for."""
    router = trace.prompt_router if trace is not None else None
    return (router.invoked_model_id if router is not None else None) or model


def checked(kind: type[T], value: Any, secrets: Secrets) -> T:
    """A value that has the form of what is used of it.

    Raises:
        ModelError: ``bad_response``: it has not. Pydantic's error goes no further, for it quotes
            what it was given.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        told = error.errors(include_input=False, include_url=False, include_context=False)[:5]
    faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in told)
    raise bad_response("; ".join(faults), secrets)


def bad_response(why: str, secrets: Secrets) -> ModelError:
    """The error for an answer that is none."""
    text = f"the answer is not one of Converse: {secrets.hide(why)}"
    return ModelError(text, code="bad_response")
