"""From an answer, whole or in events, to a chat response.

AWS's client reads answers by the service's model without holding them to it: a broken answer would
be found much later, or never. What is checked here is what is used.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from headrace.chat import ChatDelta, ChatResponse, Message, Usage
from headrace.errors import ModelError
from headrace_bedrock import _shapes as shapes
from headrace_bedrock._blocks import calls_of, native_of, reasoning_of, text_of
from headrace_bedrock._json import json_fault

if TYPE_CHECKING:
    from headrace.providers import Secrets
    from headrace_bedrock._blocks import Block

__all__ = ["StreamedAnswer", "bad_response", "faults_of", "read_answer"]

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
    why = ""
    try:
        answer = shapes.Answer.model_validate(body)
    except ValidationError as error:
        why = faults_of(error)
    # Not raised above: pydantic's error would go along as its context, and quotes the answer.
    if why:
        raise bad_response(why, secrets)
    blocks = [made for block in answer.output.message.content if (made := _block(block))]
    return _response(
        blocks,
        answer.stop_reason,
        _routed(answer.trace, model),
        usage=answer.usage,
        fields=answer.additional_model_response_fields,
        secrets=secrets,
    )


class StreamedAnswer:
    """An answer that is being put together of its events.

    Args:
        model: The model that was asked for.
        secrets: What must not be in errors.
    """

    def __init__(self, model: str, secrets: Secrets) -> None:
        self._blocks: dict[int, Block] = {}
        self._written: dict[int, list[str]] = {}
        self._stop: shapes.Stopped | None = None
        self._usage: shapes.Usage | None = None
        self._model = model
        self._secrets = secrets

    def take(self, body: dict[str, Any]) -> ChatDelta:
        """Adds an event; says what was new in it.

        Raises:
            ModelError: ``bad_response``: it is none.
        """
        why = ""
        try:
            event = shapes.Event.model_validate(body)
        except ValidationError as error:
            why = faults_of(error)
        if why:
            raise bad_response(why, self._secrets)
        if event.message_stop is not None:
            self._stop = event.message_stop
        if event.metadata is not None:
            self._usage = event.metadata.usage
            self._model = _routed(event.metadata.trace, self._model)
        if event.content_block_start is not None and event.content_block_start.start.tool_use:
            at, use = (
                event.content_block_start.content_block_index,
                event.content_block_start.start.tool_use,
            )
            self._blocks[at] = {"toolUse": use.model_dump(by_alias=True, exclude_none=True)}
            self._written[at] = []
        if event.content_block_delta is None:
            return ChatDelta()
        return self._add(
            event.content_block_delta.content_block_index, event.content_block_delta.delta
        )

    def whole(self) -> ChatResponse:
        """The response.

        Raises:
            ModelError: ``connection``: the stream has no end. ``bad_response`` and
                ``content_filtered`` as of an answer that came whole.
        """
        if self._stop is None:
            raise ModelError("the answer broke off before it was done", code="connection")
        blocks = []
        for at, block in sorted(self._blocks.items()):
            if "toolUse" in block:
                block["toolUse"]["input"] = self._arguments("".join(self._written[at]))
            blocks.append(block)
        whole = {"output": {"message": {"content": [_parsed(block) for block in blocks]}}}
        fields = self._stop.additional_model_response_fields
        return read_answer(
            {
                **whole,
                "stopReason": self._stop.stop_reason,
                "usage": None if self._usage is None else self._usage.model_dump(by_alias=True),
                "additionalModelResponseFields": fields,
            },
            self._model,
            self._secrets,
        )

    def _add(self, at: int, delta: shapes.Delta) -> ChatDelta:
        if delta.tool_use is not None:
            if at not in self._written:
                raise bad_response("arguments come without their call", self._secrets)
            self._written[at].append(delta.tool_use.input)
            return ChatDelta()
        if delta.reasoning_content is None:
            self._append(self._blocks.setdefault(at, {}), "text", delta.text)
            return ChatDelta(text=delta.text)
        told = delta.reasoning_content
        reasoning = self._blocks.setdefault(at, {}).setdefault("reasoningContent", {})
        if told.redacted_content is not None:
            reasoning["redactedContent"] = (
                reasoning.get("redactedContent", b"") + told.redacted_content
            )
            return ChatDelta()
        text = reasoning.setdefault("reasoningText", {"text": ""})
        self._append(text, "text", told.text)
        if told.signature is not None:
            self._append(text, "signature", told.signature)
        return ChatDelta(reasoning=told.text)

    @staticmethod
    def _append(block: dict[str, Any], name: str, more: str) -> None:
        block[name] = block.get(name, "") + more

    def _arguments(self, written: str) -> Any:
        why = ""
        try:
            return json.loads(written) if written.strip() else {}
        except (ValueError, RecursionError) as error:
            why = f"the arguments of a call are no JSON: {type(error).__name__}"
        raise bad_response(why, self._secrets)


def _parsed(block: Block) -> Block:
    """A block as the client reads one of a whole answer: without what it does not say."""
    return {name: value for name, value in block.items() if name != "text" or value}


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


def _routed(trace: shapes.Trace | None, model: str) -> str:
    """The model that a router of the service chose, or the one that was asked for."""
    router = trace.prompt_router if trace is not None else None
    return (router.invoked_model_id if router is not None else None) or model


def faults_of(error: ValidationError) -> str:
    """What pydantic finds wrong, without what it was given."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False, include_context=False)[:5]
    )


def bad_response(why: str, secrets: Secrets) -> ModelError:
    """The error for an answer that is none."""
    text = f"the answer is not one of Converse: {secrets.hide(why)}"
    return ModelError(text, code="bad_response")
