"""From the messages of a conversation to those of the service, and to its system prompt.

What the service asks of a conversation (its guides to Converse, to tool use and to prompt caching):
turns of the user and of the assistant, of which the user's is the first; system prompts beside
them; results of tools in the user's turn after the calls; no text that is blank; calls and results
only where tools are offered.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError
from headrace_bedrock._blocks import kept_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.chat import Image, Message
    from headrace_bedrock._blocks import Block

__all__ = ["conversation"]

_CALL_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_FORMATS = ("png", "jpeg", "gif", "webp")
_MARK: Block = {"cachePoint": {"type": "default"}}


def conversation(
    messages: Sequence[Message], *, tools: bool, marks: int
) -> tuple[list[Block], list[dict[str, Any]]]:
    """The system prompt's blocks, and the turns.

    System messages all go into the system prompt, in order, wherever they stood. A conversation of
    nothing else is asked as the user's, for the service takes none without a turn.

    Args:
        messages: The conversation.
        tools: Whether tools are offered. Where none is, the service refuses calls and results, so
            they are told in words.
        marks: How many marks for the cache there may be; the last ones count.

    Raises:
        ModelError: ``bad_request``: a message says something that the service has no word for.
    """
    system: list[Block] = []
    turns: list[dict[str, Any]] = []
    called: dict[str, str] = {}
    for at, message in enumerate(messages):
        _check(message, at, called)
        called |= {call.id: call.name for call in message.tool_calls}
        blocks = _blocks(message, at) if tools else _words(message, at, called)
        if message.cache and blocks:
            blocks.append(dict(_MARK))
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
    _thin_out([system, *(turn["content"] for turn in turns)], marks)
    return system, turns


def _check(message: Message, at: int, called: dict[str, str]) -> None:
    if message.images and message.role not in {"user", "tool"}:
        raise _refused(at, f"shows images and is a {message.role}'s: only a user's or a tool's may")
    if message.tool_calls and message.role != "assistant":
        raise _refused(at, f"calls tools and is a {message.role}'s: only an assistant's may")
    if message.role == "tool" and message.tool_call_id not in called:
        raise _refused(
            at,
            f"is a tool's and answers no call before it (tool_call_id {message.tool_call_id!r})",
        )


def _blocks(message: Message, at: int) -> list[Block]:
    """The blocks of one message."""
    said = _text(message.content) + [_image(image, at) for image in message.images]
    if message.role == "tool":
        result: Block = {"toolUseId": _call_id(message.tool_call_id or ""), "content": said}
        return [{"toolResult": {**result, **({"status": "error"} if message.failed else {})}}]
    kept = kept_blocks(message) if message.role == "assistant" else None
    if kept is not None:
        return [_with_id(block) for block in kept]
    return said + [
        {"toolUse": {"toolUseId": _call_id(call.id), "name": call.name, "input": call.arguments}}
        for call in message.tool_calls
    ]


def _words(message: Message, at: int, called: dict[str, str]) -> list[Block]:
    """The blocks of one message where there are no tools: calls and their results in words."""
    if not (message.tool_calls or message.role == "tool"):
        return _blocks(message, at)
    shown = [_image(image, at) for image in message.images]
    if message.role == "tool":
        how = "failed" if message.failed else "gave"
        name = called[message.tool_call_id or ""]
        return [*_text(f"The tool {name} {how}: {message.content}"), *shown]
    calls = (
        f"I call the tool {call.name} with {json.dumps(call.arguments, ensure_ascii=False)}"
        for call in message.tool_calls
    )
    return [*_text(message.content), *_text("\n".join(calls))]


def _text(text: str) -> list[Block]:
    """A text; one of white space is refused by the service, and says nothing."""
    return [{"text": text}] if text.strip() else []


def _image(image: Image, at: int) -> Block:
    kind = image.media_type.removeprefix("image/")
    if kind not in _FORMATS:
        raise _refused(at, f"shows {image.media_type}: the service takes {', '.join(_FORMATS)}")
    if image.url is None:
        content = _bytes(image.data or "")
        if not content:
            raise _refused(at, "shows an image that is empty, or not base64")
        source: Block = {"bytes": content}
    elif image.url.startswith("s3://"):
        source = {"s3Location": {"uri": image.url}}
    else:
        raise _refused(at, "shows an image by its address: the service reads s3:// only")
    return {"image": {"format": kind, "source": source}}


def _bytes(data: str) -> bytes:
    """What is in base64; nothing where it is not."""
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        return b""


def _with_id(block: Block) -> Block:
    use = block.get("toolUse")
    return {"toolUse": {**use, "toolUseId": _call_id(use["toolUseId"])}} if use else block


def _call_id(given: str) -> str:
    """An id that the service takes; that of another provider's call may have other characters."""
    if _CALL_ID.fullmatch(given):
        return given
    return "call_" + hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:32]


def _thin_out(places: Sequence[list[Block]], marks: int) -> None:
    """Leaves the last marks: each of them stands for all that comes before it."""
    left = marks
    for blocks in reversed(places):
        for at in reversed(range(len(blocks))):
            if "cachePoint" in blocks[at]:
                left -= 1
                if left < 0:
                    del blocks[at]


def _refused(at: int, why: str) -> ModelError:
    return ModelError(f"message {at} {why}", code="bad_request")
