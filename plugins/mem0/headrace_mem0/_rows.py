"""Memories, and the records beside them, as mem0's store holds them.

mem0 gives each row an id of its own; ours is made of the scope and the item's id, so that adding
the same again meets the same row, in any process. All values are plain texts and numbers, which
every store of mem0's keeps as they are; metadata are one JSON text, so that none of their names can
be taken for one of mem0's.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from headrace.interfaces import MemoryItem
from headrace_mem0._scopes import RECORD, kept, quoted, understood

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "EXPIRING",
    "LEARNED_BY",
    "TOPIC",
    "Kind",
    "item_of",
    "payload",
    "record",
    "row_id",
]

Kind = Literal["memory", "superseded", "learned"]

KIND = "headrace_kind"
TOPIC = "headrace_topic"
EXPIRING = "headrace_expiring"
LEARNED_BY = "headrace_learned_by"
_NAMESPACE = uuid.UUID("7e0c9d35-6f0e-4c58-9d3b-0d7a4c7b2d11")


def row_id(kind: Kind, scope: Mapping[str, str], item_id: str) -> str:
    """The id of a row."""
    of = [scope["set"]] if scope.get("set") else []
    name = json.dumps([kind, scope["agent"], scope["key"], scope["user"], item_id, *of])
    return str(uuid.uuid5(_NAMESPACE, name))


def payload(
    kind: Kind,
    item_id: str,
    now: float,
    *,
    order: float = 0.0,
    metadata: str = "{}",
    expires: float | None = None,
    topic: str | None = None,
    learned_by: str | None = None,
) -> dict[str, Any]:
    """What is kept beside the text and the scope.

    ``order`` tells which of two is the newer, also where they were made at the same time.
    """
    fields: dict[str, Any] = {
        KIND: kind,
        "headrace_id": quoted(item_id),
        "headrace_metadata": metadata,
        "headrace_order": order,
        "headrace_created": now,
        "headrace_updated": now,
        "created_at": dt.datetime.fromtimestamp(now, dt.timezone.utc).isoformat(),
    }
    if expires is not None:
        fields |= {"headrace_expires": expires, EXPIRING: "yes"}
    if topic is not None:
        fields[TOPIC] = quoted(topic)
    if learned_by is not None:
        fields[LEARNED_BY] = quoted(learned_by)
    return fields


def record(
    kind: Kind,
    scope: Mapping[str, str],
    item_id: str,
    now: float,
    expires: float,
    content: str = "{}",
) -> dict[str, Any]:
    """The payload of a row that is no memory."""
    ours = payload(kind, item_id, now, metadata=content, expires=expires)
    return {**ours, **kept(scope, RECORD), "data": kind}


def item_of(held: Mapping[str, Any]) -> MemoryItem:
    """A memory of its payload."""
    return MemoryItem(
        id=unquote(held["headrace_id"][1:]),
        text=held["data"],
        metadata=json.loads(held["headrace_metadata"]),
        scope=understood(held),
        created=held["headrace_created"],
        updated=held["headrace_updated"],
        expires=held.get("headrace_expires"),
    )
