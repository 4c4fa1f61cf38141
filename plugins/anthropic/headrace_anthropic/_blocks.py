"""The blocks of the provider's content: what they say, and when they may be sent back as they came.

A message of headrace has one text and calls. An answer may hold more, in an order that counts:
signed thinking between calls, for one, which the provider wants back unchanged. Such an answer's
blocks go along in ``Message.native`` and are sent instead of the message's text and calls, for as
long as both still say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.chat import ToolCall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.chat import Message

__all__ = ["THINKING", "Block", "calls_of", "kept_blocks", "native_of", "reasoning_of", "text_of"]

Block = dict[str, Any]

THINKING = frozenset({"thinking", "redacted_thinking"})
_PLAIN = frozenset({"text", "tool_use"})
_NAME = "anthropic"
_PARAGRAPH = "\n\n"


def text_of(blocks: Sequence[Block]) -> str:
    """The text of blocks; the provider splits one text where it cites."""
    return "".join(block["text"] for block in blocks if block["type"] == "text")


def reasoning_of(blocks: Sequence[Block]) -> str:
    """What may be read of the thinking, a paragraph for each block."""
    told = (block["thinking"] for block in blocks if block["type"] == "thinking")
    return _PARAGRAPH.join(text for text in told if text)


def calls_of(blocks: Sequence[Block]) -> tuple[ToolCall, ...]:
    """The tool calls among blocks."""
    return tuple(
        ToolCall(id=block["id"], name=block["name"], arguments=block["input"])
        for block in blocks
        if block["type"] == "tool_use"
    )


def native_of(blocks: list[Block]) -> dict[str, Any]:
    """What a message keeps of an answer: its blocks, where text and calls do not say it all."""
    plain = all(block["type"] in _PLAIN for block in blocks)
    return {} if plain else {_NAME: blocks}


def kept_blocks(message: Message) -> list[Block] | None:
    """The blocks of a message as they came, or ``None`` where they are not the message's any more.

    A message may have been changed since, or its ``native`` been made by hand.
    """
    blocks = message.native.get(_NAME)
    if not isinstance(blocks, list) or not all(_is_block(block) for block in blocks):
        return None
    try:
        same = text_of(blocks) == message.content and calls_of(blocks) == message.tool_calls
    except (KeyError, TypeError, ValueError):
        return None
    return [dict(block) for block in blocks] if same else None


def _is_block(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str)
