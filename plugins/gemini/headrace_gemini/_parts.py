"""The parts of the provider's content: what they say, and when they may be sent back as they came.

A message of headrace has one text and calls. An answer's parts hold more: thoughts, and signatures
of what the model thought, which it wants back in the very part that they came in. Such parts go
along in ``Message.native`` and are sent instead of the message's text and calls, for as long as
both still say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace.chat import Message, ToolCall

__all__ = ["NAME", "Part", "added", "kept_parts", "native_of", "reasoning_of", "text_of"]

NAME = "gemini"
"""What is the plugin's in ``Message.native``."""
Part = dict[str, Any]
_TEXT = frozenset({"text", "thought"})
"""What a part has that is a piece of text and nothing else."""


def added(parts: list[Part], part: Part) -> None:
    """Adds a part; a piece of text goes to the text before it, unless one of them is signed."""
    last = parts[-1] if parts else {}
    if (
        "text" in part
        and "text" in last
        and part.keys() <= _TEXT
        and last.keys() <= _TEXT
        and part.get("thought") == last.get("thought")
    ):
        parts[-1] = {**last, "text": last["text"] + part["text"]}
    else:
        parts.append(part)


def text_of(parts: Iterable[Part]) -> str:
    """The text of parts, without thoughts."""
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


def reasoning_of(parts: Iterable[Part]) -> str:
    """The thoughts of parts."""
    return "".join(part.get("text", "") for part in parts if part.get("thought"))


def native_of(parts: Sequence[Part], logprobs: dict[str, Any] | None) -> dict[str, Any]:
    """What a message keeps of an answer: its parts, where text and calls do not say it all."""
    plain = all(part.keys() <= {"text"} or part.keys() == {"functionCall"} for part in parts)
    kept = {
        **({} if plain else {"parts": list(parts)}),
        **({} if logprobs is None else {"logprobs": logprobs}),
    }
    return {NAME: kept} if kept else {}


def kept_parts(message: Message) -> list[Part] | None:
    """The parts of a message as they came, or ``None`` where they are not the message's any more.

    A message may have been changed since, or its ``native`` been made by hand.
    """
    native = message.native.get(NAME)
    parts = native.get("parts") if isinstance(native, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return None
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    try:
        same = text_of(parts) == message.content and len(calls) == len(message.tool_calls)
    except TypeError:
        return None
    same = same and all(map(_is_call, calls, message.tool_calls))
    return [dict(part) for part in parts] if same else None


def _is_call(made: Any, call: ToolCall) -> bool:
    """Whether a part's call is the message's; the provider need not give it an id."""
    return isinstance(made, dict) and (
        made.get("id", call.id) == call.id
        and made.get("name") == call.name
        and (made.get("args") or {}) == call.arguments
    )
