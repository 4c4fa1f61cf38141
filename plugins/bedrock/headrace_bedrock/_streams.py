"""From the events of a streamed answer to a chat response."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headrace.chat import ChatDelta
from headrace.errors import ModelError
from headrace_bedrock import _shapes as shapes
from headrace_bedrock._answers import bad_response, checked, read_answer, routed

if TYPE_CHECKING:
    from headrace.chat import ChatResponse
    from headrace.providers import Secrets
    from headrace_bedrock._blocks import Block

__all__ = ["StreamedAnswer"]


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
        event = checked(shapes.Event, body, self._secrets)
        if event.message_stop is not None:
            self._stop = event.message_stop
        if event.metadata is not None:
            self._usage = event.metadata.usage
            self._model = routed(event.metadata.trace, self._model)
        begun = event.content_block_start
        if begun is not None and begun.start.tool_use is not None:
            use = begun.start.tool_use.model_dump(by_alias=True, exclude_none=True)
            self._blocks[begun.content_block_index] = {"toolUse": use}
            self._written[begun.content_block_index] = []
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
        for at, written in self._written.items():
            self._blocks[at]["toolUse"]["input"] = self._arguments("".join(written))
        blocks = [block for _, block in sorted(self._blocks.items())]
        if any(len(block) > 1 for block in blocks):
            raise bad_response("a block is of two kinds", self._secrets)
        answer = {
            "output": {"message": {"content": blocks}},
            "stopReason": self._stop.stop_reason,
            "usage": None if self._usage is None else self._usage.model_dump(by_alias=True),
            "additionalModelResponseFields": self._stop.additional_model_response_fields,
        }
        return read_answer(answer, self._model, self._secrets)

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
