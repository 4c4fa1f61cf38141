"""What the records of the event log are about, and whose fault a failure is."""

from __future__ import annotations

from typing import Final, Literal

from headrace.errors import (
    ActionError,
    ApprovalTimeoutError,
    BudgetExceededError,
    ModelError,
    PluginError,
    ReplayedError,
    ResourceError,
    StateError,
    SubAgentError,
    ToolArgumentsError,
    ToolError,
    ToolFailedError,
    WorkerMismatchError,
)

__all__ = ["CALLS", "FAULTS", "KINDS", "Fault", "fault_of", "named_call"]

KINDS: Final = (
    "run",
    "event",
    "action",
    "agent",
    "model",
    "tool",
    "call",
    "effect",
    "approval",
    "parse",
    "skill",
    "memory",
    "retry",
    "resource",
    "budget",
    "log",
)
"""All kinds of records."""

CALLS: Final = {
    "chat": "model",
    "tool": "tool",
    "agent": "call",
    "approval": "approval",
    "memory": "memory",
    "prompt": "resource",
    "retrieval": "resource",
    "suggestions": "skill",
}
"""The kind of a durable call's record, by what is called (``headrace.calls``)."""

Fault = Literal["model", "tool", "parse", "action", "runtime"]
FAULTS: Final[tuple[Fault, ...]] = ("model", "tool", "parse", "action", "runtime")
"""Whose a failure may be."""

_RUNTIME = (
    ApprovalTimeoutError,
    BudgetExceededError,
    PluginError,
    ResourceError,
    StateError,
    WorkerMismatchError,
)
_BY_NAME: Final[dict[str, Fault]] = {
    "ModelError": "model",
    "ToolError": "tool",
    "ToolFailedError": "tool",
    "ToolArgumentsError": "parse",
    **{kind.__name__: "runtime" for kind in _RUNTIME},
}


def named_call(name: str) -> tuple[str, str]:
    """The kind of a durable call's record, and the name that it has there."""
    begin, colon, rest = name.partition(":")
    kind = CALLS.get(begin) if colon else None
    return ("call", name) if kind is None else (kind, rest)


def fault_of(error: BaseException, kind: str = "") -> Fault:
    """Whose fault a failure is.

    Args:
        error: What was raised.
        kind: The kind of the record that tells of it, for errors that do not say.
    """
    seen = 0
    while isinstance(error, (ActionError, SubAgentError)) and error.__cause__ is not None:
        error, seen = error.__cause__, seen + 1
        if seen > 50:  # noqa: PLR2004 - a chain that leads back to itself
            break
    if isinstance(error, ReplayedError):
        return _BY_NAME.get(error.type_name.rpartition(":")[2], _of_kind(kind))
    if isinstance(error, ModelError):
        return "parse" if error.code == "bad_response" else "model"
    if isinstance(error, ToolArgumentsError):
        return "parse"
    if isinstance(error, (ToolError, ToolFailedError)):
        return "tool"
    if isinstance(error, _RUNTIME):
        return "runtime"
    return _of_kind(kind)


def _of_kind(kind: str) -> Fault:
    if kind == "model":
        return "model"
    if kind == "tool":
        return "tool"
    return "runtime" if kind in {"memory", "resource", "skill"} else "action"
