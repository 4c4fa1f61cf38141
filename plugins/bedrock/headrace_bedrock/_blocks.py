"""The blocks of the service's content: what they say, and when they may be sent back as they came.

A message of headrace has one text and calls. An answer may hold more, in an order that counts:
signed reasoning, which the service wants back unchanged. Such an answer's blocks go along in
``Message.native`` and are sent instead of the message's text and calls, for as long as both still
say the same. They are kept as JSON, so what is sealed is in base64 there.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from headrace.chat import ToolCall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.chat import Message

__all__ = ["Block", "calls_of", "kept_blocks", "native_of", "reasoning_of", "text_of"]

Block = dict[str, Any]

_NAME = "bedrock"
_REASONING = "reasoningContent"
_PARAGRAPH = "\n\n"


def text_of(blocks: Sequence[Block]) -> str:
    """The text of blocks."""
    return "".join(block["text"] for block in blocks if "text" in block)


def reasoning_of(blocks: Sequence[Block]) -> str:
    """What may be read of the reasoning, a paragraph for each block."""
    told = (block[_REASONING].get("reasoningText") for block in blocks if _REASONING in block)
    return _PARAGRAPH.join(text["text"] for text in told if text and text["text"])


def calls_of(blocks: Sequence[Block]) -> tuple[ToolCall, ...]:
    """The tool calls among blocks."""
    made = (block["toolUse"] for block in blocks if "toolUse" in block)
    return tuple(
        ToolCall(id=use["toolUseId"], name=use["name"], arguments=use["input"]) for use in made
    )


def native_of(blocks: list[Block], fields: dict[str, Any] | None) -> dict[str, Any]:
    """What a message keeps of an answer: its blocks, where text and calls do not say it all.

    Args:
        blocks: The blocks.
        fields: What the model answered of its own (``additionalModelResponseFields``).
    """
    kept = {
        **({"blocks": blocks} if any(_REASONING in block for block in blocks) else {}),
        **({"fields": fields} if fields else {}),
    }
    return {_NAME: kept} if kept else {}


def kept_blocks(message: Message) -> list[Block] | None:
    """The blocks of a message as they came, or ``None`` where they are not the message's any more.

    A message may have been changed since, or its ``native`` been made by hand.
    """
    native = message.native.get(_NAME)
    blocks = native.get("blocks") if isinstance(native, dict) else None
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return None
    try:
        same = text_of(blocks) == message.content and calls_of(blocks) == message.tool_calls
        return [_sendable(block) for block in blocks if _is_wanted(block)] if same else None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _is_wanted(block: Block) -> bool:
    """Whether the service takes a block back: no text of white space, no unsigned reasoning."""
    if _REASONING not in block:
        return "text" not in block or bool(block["text"].strip())
    reasoning = block[_REASONING]
    return "redactedContent" in reasoning or "signature" in reasoning["reasoningText"]


def _sendable(block: Block) -> Block:
    sealed = block.get(_REASONING, {}).get("redactedContent")
    if sealed is None:
        return dict(block)
    return {_REASONING: {"redactedContent": base64.b64decode(sealed, validate=True)}}
