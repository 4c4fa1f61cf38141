"""What an agent's actions send, read from their source: events that nobody handles, or sends.

Only what can be seen for certain is reported: ``ctx.send(Name(...))`` with a name that stands for
an event class. Where a context is handed on, or the source is not there, nothing is concluded.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from headrace.compiling._source import source_of
from headrace.errors import Fault
from headrace.events import Event, NamedEvent, OutputEvent
from headrace.memory_events import MEMORY_EVENTS, MemoryEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headrace.declarations import ActionDeclaration

__all__ = ["check_sends"]

_SERVED = frozenset({"chat_request", "join_request", "tool_request", "retrieval_request"})
_GIVEN = frozenset(
    {
        "input",
        "chat_delta",
        "chat_response",
        "join_response",
        "tool_response",
        "retrieval_response",
        "verdict",
        "event",
        "named",
        MemoryEvent.event_type,
        *(event.event_type for event in MEMORY_EVENTS),
    }
)


def check_sends(
    actions: Iterable[tuple[str, ActionDeclaration, str]], by_event: Mapping[str, Sequence[str]]
) -> list[Fault]:
    """The faults between what actions send and what triggers them."""
    faults: list[Fault] = []
    sent: set[str] = set()
    all_seen = True
    for name, declaration, place in actions:
        kinds, whole = _sent_by(declaration.function)
        all_seen = all_seen and whole
        for kind in kinds:
            types = {c.event_type for c in kind.__mro__ if issubclass(c, Event)}
            sent |= types
            handled = kind is OutputEvent or bool(types & (by_event.keys() | _SERVED))
            if not handled and not issubclass(kind, NamedEvent):
                faults.append(
                    Fault(
                        f"{name} ({place})",
                        f"sends {kind.__name__}, which triggers no action",
                        f"mark one with @action({kind.__name__}), or do not send it",
                    )
                )
            all_seen = all_seen and not issubclass(kind, NamedEvent)
    if all_seen:
        faults += [
            Fault(
                ", ".join(names),
                f"is triggered by {event!r}, which no action sends",
                "send it from another action, or drop the trigger",
            )
            for event, names in by_event.items()
            if event not in sent | _GIVEN
        ]
    return faults


def _sent_by(function: Any) -> tuple[list[type[Event]], bool]:
    """The event classes that a function sends, and whether these are all of them."""
    source = source_of(function)
    if source is None:
        return [], False
    function, tree, context = source.function, source.tree, source.context
    names = {**getattr(function, "__globals__", {})}
    kinds: list[type[Event]] = []
    known: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is(node.value, context):
            known.add(id(node.value))
    sends = 0
    attributes = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "send" and _is(node.value, context):
            attributes += 1
        if isinstance(node, ast.Name) and node.id == context and id(node) not in known:
            return kinds, False  # the context is handed on: others may send through it
        if not (isinstance(node, ast.Call) and _is_send(node.func, context) and node.args):
            continue
        argument = node.args[0]
        if isinstance(argument, ast.Call) and isinstance(argument.func, ast.Name):
            kind = names.get(argument.func.id)
            if isinstance(kind, type) and issubclass(kind, Event):
                kinds.append(kind)
                sends += 1
    return kinds, sends == attributes


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_send(node: ast.AST, context: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "send" and _is(node.value, context)
