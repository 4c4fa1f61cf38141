"""What the items of a response say, and which of them go back with the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from headrace.errors import ModelError
from headrace_openai._bodies import parse_arguments

if TYPE_CHECKING:
    from headrace.chat import Message

__all__ = ["BETWEEN", "Item", "Told", "kept_items", "native_items", "tell"]

NATIVE = "openai-responses"
"""Where a message keeps its items: the name of the plugin's entry point."""
BETWEEN = "\n\n"
"""Between two messages of one answer, and between two parts of reasoning."""


class _Part(BaseModel):
    text: str | None = None
    refusal: str | None = None


class Item(BaseModel):
    """An item of a response's output, of which only the parts that are used are read."""

    type: str
    id: str | None = None
    content: list[_Part] | None = None
    summary: list[_Part] | None = None
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    phase: str | None = None


class Told:
    """What items say.

    Attributes:
        text: The text of the messages.
        reasoning: What the model thought.
        refusal: What it said in place of an answer.
        calls: The calls of functions: id (none where the server gave none), name, arguments.
    """

    __slots__ = ("calls", "reasoning", "refusal", "text")

    def __init__(
        self, text: str, reasoning: str, refusal: str, calls: list[tuple[str, str, str]]
    ) -> None:
        self.text = text
        self.reasoning = reasoning
        self.refusal = refusal
        self.calls = calls


_ITEMS = TypeAdapter(list[Item])


def tell(items: list[Item]) -> Told:
    """What items say.

    Raises:
        ModelError: ``bad_response``: a call has no name or no arguments.
    """
    texts: list[str] = []
    thoughts: list[str] = []
    refusals: list[str] = []
    calls: list[tuple[str, str, str]] = []
    for item in items:
        parts = item.content or ()
        if item.type == "message":
            texts.append("".join(part.text or "" for part in parts))
            refusals += [part.refusal for part in parts if part.refusal]
        elif item.type == "reasoning":
            thoughts += [part.text for part in (*(item.summary or ()), *parts) if part.text]
        elif item.type == "function_call":
            if not item.name or item.arguments is None:
                raise ModelError(
                    "the answer has a call without a name or arguments", code="bad_response"
                )
            calls.append((item.call_id or item.id or "", item.name, item.arguments))
    return Told(
        BETWEEN.join(text for text in texts if text),
        BETWEEN.join(thoughts),
        BETWEEN.join(refusals),
        calls,
    )


def native_items(output: list[dict[str, Any]], items: list[Item], host: str) -> dict[str, Any]:
    """What a message keeps of an answer: all of its items where some say more than a message can.

    Args:
        output: The items as they came.
        items: The same, read.
        host: The server, which alone can read them.
    """
    more = any(item.type not in {"message", "function_call"} or item.phase for item in items)
    # Reasoning that only has a name is kept at the provider, or nowhere: it cannot be sent back.
    empty = any(
        item.type == "reasoning" and not (item.encrypted_content or item.content) for item in items
    )
    if empty or not more:
        return {}
    # A null is refused by the server that sent it.
    kept = [{name: value for name, value in one.items() if value is not None} for one in output]
    return {NATIVE: {"server": host, "output": kept}}


def kept_items(message: Message, host: str) -> list[dict[str, Any]] | None:
    """The items that a message keeps, where they still say what the message says.

    Args:
        message: An assistant's.
        host: The server that is asked.
    """
    kept = message.native.get(NATIVE)
    if not isinstance(kept, dict) or kept.get("server") != host:
        return None
    output = kept.get("output")
    try:
        items = _ITEMS.validate_python(output)
        told = tell(items)
    except (ValidationError, ModelError):
        return None
    # Reasoning without what followed it is refused.
    if not isinstance(output, list) or not (told.text or told.calls):
        return None
    return output if _same(told, message) else None


def _same(told: Told, message: Message) -> bool:
    if told.text != message.content or len(told.calls) != len(message.tool_calls):
        return False
    return all(
        (call_id, name) == (call.id, call.name) and parse_arguments(arguments) == call.arguments
        for (call_id, name, arguments), call in zip(told.calls, message.tool_calls, strict=True)
    )
