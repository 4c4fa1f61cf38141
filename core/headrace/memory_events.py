"""Events of memory: what a run read, wrote, and asked its long-term memory for.

They are off until the setting ``memory_events`` names their kind, and an action triggers on them.
The runtime tells them when everything else in the run has ended, and what an action does that one
of them has set off is told nobody: so nothing goes round in a circle.
"""

from __future__ import annotations

from typing import Literal

from headrace.events import Event

__all__ = [
    "MEMORY_EVENTS",
    "MemoryAddedEvent",
    "MemoryDeletedEvent",
    "MemoryEvent",
    "MemoryEventKind",
    "MemoryReadEvent",
    "MemorySearchedEvent",
    "MemoryUpdatedEvent",
    "MemoryWrittenEvent",
    "RunBeganEvent",
]

MemoryEventKind = Literal["began", "read", "written", "added", "updated", "deleted", "searched"]
"""The kinds; the type of each event is ``memory.`` and its kind."""


class MemoryEvent(Event, type="memory"):
    """The base of all events of memory; an action that triggers on it is told every kind."""

    action: str = ""
    """The action that did it."""


class RunBeganEvent(MemoryEvent, type="memory.began"):
    """A run has begun; what it sets off is done before the input is handled."""


class MemoryReadEvent(MemoryEvent, type="memory.read"):
    """A value in short-term memory was read; once for each action and name."""

    path: tuple[str, ...]
    """The name, as a path."""
    found: bool
    """Whether it was there."""


class MemoryWrittenEvent(MemoryEvent, type="memory.written"):
    """A name in short-term memory was set or deleted; once for each action and name."""

    path: tuple[str, ...]
    """The name, as a path."""
    deleted: bool
    """Whether it is gone now."""


class _LongTermEvent(MemoryEvent):
    user: str | None = None
    """Whose memory it is, where it is somebody's."""


class MemoryAddedEvent(_LongTermEvent, type="memory.added"):
    """Memories were added to long-term memory, or learned."""

    ids: tuple[str, ...]
    """Their ids."""


class MemoryUpdatedEvent(_LongTermEvent, type="memory.updated"):
    """A memory was given another text."""

    id: str
    """Its id."""


class MemoryDeletedEvent(_LongTermEvent, type="memory.deleted"):
    """Memories were deleted or erased."""

    id: str | None
    """Its id; ``None``: all of the scope were erased."""
    count: int
    """How many; of a deletion by id, 1 where there may have been one."""


class MemorySearchedEvent(_LongTermEvent, type="memory.searched"):
    """Long-term memory was searched."""

    query: str
    """What was looked for."""
    ids: tuple[str, ...]
    """The ids of what was found, best first."""


MEMORY_EVENTS: tuple[type[MemoryEvent], ...] = (
    RunBeganEvent,
    MemoryReadEvent,
    MemoryWrittenEvent,
    MemoryAddedEvent,
    MemoryUpdatedEvent,
    MemoryDeletedEvent,
    MemorySearchedEvent,
)
