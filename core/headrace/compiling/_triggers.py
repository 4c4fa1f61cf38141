"""Triggers: which events set an action off, and what its inputs are read as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.conditions import check_condition
from headrace.errors import ResourceError
from headrace.events import (
    ChatDeltaEvent,
    ChatRequestEvent,
    ChatResponseEvent,
    Event,
    InputEvent,
    JoinRequestEvent,
    JoinResponseEvent,
    NamedEvent,
    OutputEvent,
    RetrievalRequestEvent,
    RetrievalResponseEvent,
    ToolRequestEvent,
    ToolResponseEvent,
    VerdictEvent,
)
from headrace.memory_events import MEMORY_EVENTS, MemoryEvent
from headrace.plan import Trigger
from headrace.references import find, reference, unimportable

if TYPE_CHECKING:
    from headrace.compiling._work import Work
    from headrace.declarations import ActionDeclaration, EventLike

__all__ = ["BUILT_IN_EVENTS", "compile_trigger", "input_model"]

_BUILT_IN: tuple[type[Event], ...] = (
    Event,
    InputEvent,
    OutputEvent,
    NamedEvent,
    ChatRequestEvent,
    ChatDeltaEvent,
    ChatResponseEvent,
    ToolRequestEvent,
    ToolResponseEvent,
    JoinRequestEvent,
    JoinResponseEvent,
    RetrievalRequestEvent,
    RetrievalResponseEvent,
    VerdictEvent,
    MemoryEvent,
    *MEMORY_EVENTS,
)
BUILT_IN_EVENTS = {event.event_type: event for event in _BUILT_IN}
"""The runtime's own events by the names that triggers may say."""


def compile_trigger(work: Work, event: EventLike, when: str | None, where: str) -> Trigger:
    """A trigger with its condition, which is held against the event's type."""
    kind = _event_class(work, event, where)
    if kind is OutputEvent:
        work.fault(
            where,
            "outputs leave the run and trigger nothing",
            "send an event of your own beside the output",
        )
    if when is not None:
        for fault in check_condition(when, kind):
            work.fault(where, fault)
    if isinstance(event, str) and kind in (None, NamedEvent):
        return Trigger(event=event, when=when)
    return Trigger(event=repr(event) if kind is None else kind.event_type, when=when)


def _event_class(work: Work, event: Any, where: str) -> type[Event] | None:
    """The class that a trigger names; ``None`` where it names none, which is a fault."""
    kind: Any = event
    if isinstance(event, str):
        if event in BUILT_IN_EVENTS:
            return BUILT_IN_EVENTS[event]
        if not event.strip():
            work.fault(where, "the name of an event is empty")
            return None
        if ":" not in event:
            return NamedEvent
        try:
            kind = find(event)
        except ResourceError as error:
            work.fault(where, f"the event {error}")
            return None
        if not (isinstance(kind, type) and issubclass(kind, Event)):
            work.fault(where, f"{event!r} names no event class")
            return None
    elif not (isinstance(event, type) and issubclass(event, Event)):
        work.fault(where, f"{event!r} is neither an event class nor an event's name")
        return None
    found: type[Event] = kind
    return found


def input_model(work: Work, declaration: ActionDeclaration, where: str) -> str | None:
    """The class that an action has its inputs read as: ``InputEvent[Order]``."""
    kinds = [
        kind.__pydantic_generic_metadata__["args"][0]
        for kind, _ in declaration.triggers
        if isinstance(kind, type)
        and issubclass(kind, InputEvent)
        and kind.__pydantic_generic_metadata__["args"]
    ]
    if not kinds:
        return None
    if any(kind is not kinds[0] for kind in kinds):
        work.fault(where, "its inputs are read as two classes", "name one: InputEvent[Order]")
    if not isinstance(kinds[0], type):
        work.fault(where, f"{kinds[0]!r} is no class", "name a model: InputEvent[Order]")
        return None
    if why := unimportable(kinds[0]):
        work.fault(where, why)
        return None
    return reference(kinds[0])
