"""From the messages of a conversation to the contents of the provider, and its system instruction.

What the provider asks of a conversation (its guides "Function calling" and "Thought signatures"):
turns of the user and of the model; the system instruction beside them; results of tools in a turn
of the user, in the order of their calls; no part that is empty; with newer models a signature in
the first call of each turn.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError
from headrace_gemini._parts import kept_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.chat import Image, Message
    from headrace_gemini._parts import Part

__all__ = ["conversation"]

_UNSIGNED = re.compile(r"(models/)?gemini-[12]\b")
"""Models that take calls without a signature."""
_NO_SIGNATURE = base64.b64encode(b"skip_thought_signature_validator").decode()
"""What the provider takes in place of a signature, for calls that another model made."""


def conversation(
    messages: Sequence[Message], model: str
) -> tuple[list[Part], list[dict[str, Any]]]:
    """The parts of the system instruction, and the turns.

    System messages all go into the instruction, in order, wherever they stood. A conversation of
    nothing else is asked as the user's, for the provider takes none without a turn.

    Args:
        messages: The conversation.
        model: The model that is asked.

    Raises:
        ModelError: ``bad_request``: a message says something that the provider has no word for.
    """
    system: list[Part] = []
    turns: list[dict[str, Any]] = []
    for role, parts in _spoken(messages, signed=not _UNSIGNED.match(model)):
        if role == "system":
            system += parts
        elif turns and turns[-1]["role"] == role:
            turns[-1]["parts"] += parts
        elif parts:
            turns.append({"role": role, "parts": parts})
    if not turns:
        system, turns = [], [{"role": "user", "parts": system}]
    if not turns[0]["parts"]:
        raise ModelError("there is nothing to ask: every message is empty", code="bad_request")
    return system, turns


def _spoken(messages: Sequence[Message], *, signed: bool) -> Iterator[tuple[str, list[Part]]]:
    """Each message's role and parts; results stand in the order of their calls."""
    calls: dict[str, dict[str, Any]] = {}
    order: dict[str, int] = {}
    results: list[tuple[int, Part]] = []
    for at, message in enumerate(messages):
        _check(message, at)
        if message.role == "tool":
            answered = message.tool_call_id or ""
            if answered not in calls:
                raise _refused(
                    at, f"is a tool's and answers no call before it (tool_call_id {answered!r})"
                )
            results.append((order[answered], _result(message, calls[answered])))
            continue
        if results:
            yield "user", [part for _, part in sorted(results, key=lambda result: result[0])]
            results = []
        if message.role != "assistant":
            shown = [_image(image) for image in message.images]
            yield message.role, _text(message.content) + shown
            continue
        kept = kept_parts(message)
        parts = _said(message, signed=signed) if kept is None else kept
        sent = [part["functionCall"] for part in parts if "functionCall" in part]
        for number, (call, made) in enumerate(zip(message.tool_calls, sent, strict=True)):
            order[call.id] = number
            calls[call.id] = {name: made[name] for name in ("id", "name") if name in made}
        yield "model", parts
    if results:
        yield "user", [part for _, part in sorted(results, key=lambda result: result[0])]


def _check(message: Message, at: int) -> None:
    if message.images and message.role not in {"user", "tool"}:
        raise _refused(at, f"shows images and is a {message.role}'s: only a user's or a tool's may")
    if message.tool_calls and message.role != "assistant":
        raise _refused(at, f"calls tools and is a {message.role}'s: only an assistant's may")


def _said(message: Message, *, signed: bool) -> list[Part]:
    """The parts of an assistant's message that is not the provider's own any more."""
    calls: list[Part] = [
        {"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}}
        for call in message.tool_calls
    ]
    if calls and signed:
        calls[0]["thoughtSignature"] = _NO_SIGNATURE
    return _text(message.content) + calls


def _result(message: Message, call: dict[str, Any]) -> Part:
    shown = {"parts": [_image(image) for image in message.images]} if message.images else {}
    return {"functionResponse": {**call, "response": {"output": message.content}, **shown}}


def _text(text: str) -> list[Part]:
    """A text; an empty one is refused by the provider, and says nothing."""
    return [{"text": text}] if text else []


def _image(image: Image) -> Part:
    if image.url is not None:
        return {"fileData": {"fileUri": image.url, "mimeType": image.media_type}}
    return {"inlineData": {"mimeType": image.media_type, "data": image.data}}


def _refused(at: int, why: str) -> ModelError:
    return ModelError(f"message {at} {why}", code="bad_request")
