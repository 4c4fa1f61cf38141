"""What the runtime tells of itself: one stream of records that logs, metrics and traces read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Record", "RecordKind"]

RecordKind = Literal["run", "event", "action", "call", "memory"]


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
    """The action, the event's type, or the called function."""
    id: str = ""
    """The id of the event, the action task or the call."""
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
