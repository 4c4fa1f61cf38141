"""Scopes, and how they are told to mem0."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FIELDS",
    "MEMORY",
    "RECORD",
    "conditions",
    "kept",
    "quoted",
    "told",
    "understood",
]

FIELDS = {"agent": "agent_id", "key": "run_id", "user": "user_id"}
"""mem0's own names of who a memory belongs to."""
WHOLE = "actor_id"
MEMORY = "="
"""What the scope of a memory begins with."""
RECORD = "!"
"""What that of other rows begins with, so that no search meets them."""


def quoted(value: str) -> str:
    """A text in a form that mem0 and its stores leave as it is.

    As it stands mem0 would trim it, refuse white space and nothing at all, and take ``*`` for
    everybody.
    """
    return MEMORY + quote(value, safe="")


def told(scope: Mapping[str, str]) -> dict[str, str]:
    """A scope in mem0's names, as it is told to mem0."""
    return {FIELDS[name]: quoted(value) for name, value in scope.items()}


def kept(scope: Mapping[str, str], mark: str = MEMORY) -> dict[str, str]:
    """A whole scope as it is kept with a row.

    The whole of it once more in one field, because the embedded store holds every condition against
    every row in Python; that field is mem0's ``actor_id``, of which qdrant's servers have an index.
    """
    parts = {FIELDS[name]: mark + quote(scope[name], safe="") for name in FIELDS}
    return {**parts, WHOLE: mark + "/".join(quote(scope[name], safe="") for name in FIELDS)}


def conditions(scope: Mapping[str, str], mark: str = MEMORY) -> dict[str, str]:
    """What rows of a scope, or of a part of one, have in common."""
    if len(scope) == len(FIELDS):
        return {WHOLE: kept(scope, mark)[WHOLE]}
    return {FIELDS[name]: mark + quote(value, safe="") for name, value in scope.items()}


def understood(payload: Mapping[str, object]) -> dict[str, str]:
    """The scope of what mem0 gave back."""
    return {name: unquote(str(payload[field])[1:]) for name, field in FIELDS.items()}
