"""What the runtime tells of itself: one stream of records that logs, metrics and traces read."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TELLER", "Record", "RecordKind", "tell", "tell_skill"]

RecordKind = Literal[
    "run",
    "event",
    "action",
    "agent",
    "call",
    "effect",
    "memory",
    "resource",
    "skill",
    "parse",
    "budget",
]


@dataclass(frozen=True, slots=True)
class Record:
    """Something that happened. Times are seconds since the epoch, durations are seconds."""

    kind: RecordKind
    """What it is about."""
    what: str
    """What happened: ``started``, ``finished``, ``failed``, ``retried``, ``reused``, ``sent``."""
    time: float
    """When."""
    run: str
    """The run's id."""
    key: str
    """The key's id (``headrace.values.key_id``)."""
    name: str = ""
    """The action, the event's type, the sub-agent, or the called function."""
    id: str = ""
    """The id of the event, the action task, the sub-agent's branch or the call."""
    cause: str = ""
    """The id of what caused it."""
    attempt: int = 1
    """Which attempt it was."""
    duration: float | None = None
    """How long it took."""
    error: str | None = None
    """What went wrong."""
    data: dict[str, Any] = field(default_factory=dict)
    """More, by kind."""


TELLER: ContextVar[Callable[..., None] | None] = ContextVar("headrace-teller", default=None)
"""Takes what a resource tells during a call; set by the operator where somebody watches."""


def tell(what: str, name: str, **data: Any) -> None:
    """Tells the observers of a run what a resource did for it; called by plugins.

    It costs nothing where nobody watches, and never fails. Outside a run it does nothing.

    Args:
        what: What happened: ``loaded``, ``searched``, ...
        name: What it happened to.
        data: More; values that JSON has.
    """
    teller = TELLER.get()
    if teller is not None:
        teller(what, name, data)


def tell_skill(what: str, name: str, **data: Any) -> None:
    """The same of what was done with a skill: it is ``loaded``, ``read``, ``ran``."""
    teller = TELLER.get()
    if teller is not None:
        teller(what, name, data, "skill")
