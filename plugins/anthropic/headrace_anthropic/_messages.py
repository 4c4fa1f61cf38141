"""From the messages of a conversation to those of the provider, and to its system prompt.

What the provider asks of a conversation (its reference of the Messages API): turns of the user and
of the assistant; system prompts beside them; results of tools in a turn of the user; no block that
is empty; at most four marks for its cache.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError
from headrace_anthropic._blocks import THINKING, kept_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.chat import Image, Message
    from headrace_anthropic._blocks import Block

__all__ = ["conversation"]

_MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_CALL_ID = re.compile(r"[A-Za-z0-9_-]+")


def conversation(
    messages: Sequence[Message], marks: int
) -> tuple[list[Block], list[dict[str, Any]]]:
    """The system prompt's blocks, and the turns.

    System messages all go into the system prompt, in order, wherever they stood. A conversation of
    nothing else is asked as the user's, for the provider takes none without a turn.

    Args:
        messages: The conversation.
        marks: How many marks for the cache there may be; the last ones count.

    Raises:
        ModelError: ``bad_request``: a message says something that the provider has no word for.
    """
    system: list[Block] = []
    turns: list[dict[str, Any]] = []
    for at, message in enumerate(messages):
        blocks = _blocks(message, at)
        if message.cache:
            _mark(blocks)
        role = "assistant" if message.role == "assistant" else "user"
        if message.role == "system":
            system += blocks
        elif turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    if not turns:
        system, turns = [], [{"role": "user", "content": system}]
    if not turns[0]["content"]:
        raise ModelError("there is nothing to ask: every message is empty", code="bad_request")
    _thin_out(system, turns, marks)
    return system, turns


def _blocks(message: Message, at: int) -> list[Block]:
    """The blocks of one message."""
    if message.images and message.role not in {"user", "tool"}:
        raise _refused(at, f"shows images and is a {message.role}'s: only a user's or a tool's may")
    if message.tool_calls and message.role != "assistant":
        raise _refused(at, f"calls tools and is a {message.role}'s: only an assistant's may")
    said = _text(message.content) + [_image(image, at) for image in message.images]
    if message.role == "tool":
        if message.tool_call_id is None:
            raise _refused(at, "is a tool's and does not say which call it answers (tool_call_id)")
        result: Block = {"type": "tool_result", "tool_use_id": _call_id(message.tool_call_id)}
        if message.failed:
            result["is_error"] = True
        return [{**result, "content": said} if said else result]
    if message.role == "assistant":
        kept = kept_blocks(message)
        if kept is not None:
            return [_sendable(block) for block in kept if not _is_blank(block)]
    calls = [
        {"type": "tool_use", "id": _call_id(call.id), "name": call.name, "input": call.arguments}
        for call in message.tool_calls
    ]
    return said + calls


def _is_blank(block: Block) -> bool:
    return bool(block["type"] == "text" and not block["text"].strip())


def _sendable(block: Block) -> Block:
    return {**block, "id": _call_id(block["id"])} if block["type"] == "tool_use" else block


def _text(text: str) -> list[Block]:
    """A text; one of white space is refused by the provider, and says nothing."""
    return [{"type": "text", "text": text}] if text.strip() else []


def _image(image: Image, at: int) -> Block:
    if image.url is not None:
        return {"type": "image", "source": {"type": "url", "url": image.url}}
    if image.media_type not in _MEDIA_TYPES:
        raise _refused(
            at, f"shows {image.media_type}: the provider takes {', '.join(_MEDIA_TYPES)}"
        )
    source = {"type": "base64", "media_type": image.media_type, "data": image.data}
    return {"type": "image", "source": source}


def _call_id(given: str) -> str:
    """An id that the provider takes; that of another provider's call may have other characters."""
    if _CALL_ID.fullmatch(given):
        return given
    return "call_" + hashlib.sha256(given.encode()).hexdigest()[:32]


def _mark(blocks: list[Block]) -> None:
    """Marks the end of blocks for the cache; thinking cannot carry a mark."""
    for block in reversed(blocks):
        if block["type"] not in THINKING:
            block["cache_control"] = {"type": "ephemeral"}
            return


def _thin_out(system: list[Block], turns: list[dict[str, Any]], marks: int) -> None:
    """Leaves the last marks: each of them stands for all that comes before it."""
    everything = [*system, *(block for turn in turns for block in turn["content"])]
    marked = [block for block in everything if "cache_control" in block]
    for block in marked[: max(0, len(marked) - marks)]:
        del block["cache_control"]


def _refused(at: int, why: str) -> ModelError:
    return ModelError(f"message {at} {why}", code="bad_request")
