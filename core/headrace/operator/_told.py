"""What records say of errors, calls, effects and memory: data for the log and for observers."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from headrace.errors import ToolError
from headrace.eventlog import VERBOSE
from headrace.memory import DELETED, path_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.operator._effects import Effect
    from headrace.operator._journal import Entry

__all__ = [
    "error_text",
    "of_call",
    "of_effect",
    "plain_number",
    "shown_name",
    "told_error",
    "written",
]

_SHORT = 200  # characters of names that are remembered


def error_text(error: BaseException) -> str:
    """An error for people: its type and its text."""
    return f"{type(error).__name__}: {error}"


def told_error(error: Exception) -> str:
    """An error for the log; behind a tool's general text, what the tool raised."""
    text, cause = error_text(error), error.__cause__
    return f"{text} ({error_text(cause)})" if isinstance(error, ToolError) and cause else text


def of_effect(effect: Effect) -> dict[str, Any]:
    return {"idempotency_key": effect.key, "arguments": effect.arguments}


def plain_number(number: Decimal | int) -> float | int:
    return float(number) if isinstance(number, Decimal) else number


def shown_name(name: str) -> str:
    """A stored name in short-term memory, without its root, as the log shows it."""
    return _remembered(name) if len(name) <= _SHORT else "/".join(path_of(name))


@lru_cache(maxsize=4096)
def _remembered(name: str) -> str:
    return "/".join(path_of(name))


def written(changes: Mapping[str, Any], root: str) -> dict[str, Any]:
    """Names in memory with what they were set to; ``None`` where they were deleted."""
    return {
        shown_name(name[len(root) :]): None if cell is DELETED else cell
        for name, cell in changes.items()
    }


def of_call(kind: str, entry: Entry, level: int, attempt: int) -> dict[str, Any]:
    """What a call was asked, and what came of it."""
    asked = None if entry.asked is None else entry.asked[2]
    outcome = entry.outcome if entry.state == "finished" else None
    if kind == "model" and type(asked) is dict:
        data = _of_model(asked, outcome, level)
    else:
        if type(outcome) is dict and outcome.keys() == {"result", "effects"}:
            outcome = outcome["result"]
        data = {"arguments" if kind == "tool" else "asked": asked}
        if entry.state == "finished":
            if kind == "memory" and type(outcome) is dict and type(outcome.get("usage")) is dict:
                data["usage"] = _plain_usage(outcome["usage"])  # of what was learned
                outcome = {name: one for name, one in outcome.items() if name != "usage"}
            data["result"] = outcome
    if entry.attempt not in {0, attempt}:
        data["made_in"] = entry.attempt  # which attempt had made it
    return data


def _plain_usage(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A usage as JSON has it, of its stored form."""
    cost = stored.get("cost", 0)
    return {**stored, "cost": float(cost["v"]) if type(cost) is dict else cost}


def _of_model(asked: Mapping[str, Any], outcome: Any, level: int) -> dict[str, Any]:
    messages = asked.get("messages") or []
    data: dict[str, Any] = {"messages": len(messages)}
    if level == VERBOSE:
        data["request"] = asked
    elif messages:
        data["asked"] = messages[-1].get("content", "")
    try:
        response = outcome["v"][0]["v"]
        message = response["message"]["v"]
        data["answer"] = message["content"]
        data["model"] = response["model"]
        if provider := response.get("provider"):  # earlier versions did not record it
            data["provider"] = provider
        data["usage"] = _plain_usage(response["usage"]["v"])
        calls = message["tool_calls"]
        called = calls["v"] if type(calls) is dict else calls
    except (KeyError, TypeError, IndexError):
        return data  # it failed, or is of another version
    if called:
        data["calls"] = called
    if level == VERBOSE:
        data["response"] = response
    return data
