"""Scopes, and how they are told to mem0."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from headrace.scopes import shown_scope

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FIELDS",
    "MEMORY",
    "RECORD",
    "conditions",
    "in_set",
    "kept",
    "quoted",
    "told",
    "understood",
]

FIELDS = {"agent": "agent_id", "key": "run_id", "user": "user_id"}
"""mem0's own names of who a memory belongs to."""
WHOLE = "actor_id"
SET = "headrace_set"
"""The set of a memory that is in a named one, where no name of mem0's is left."""
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
    # mem0 wants one name at least; what is searched in the end is told by ``conditions``.
    return {FIELDS[name]: quoted(scope[name]) for name in FIELDS if name in scope} or {
        FIELDS["agent"]: MEMORY
    }


def kept(scope: Mapping[str, str], mark: str = MEMORY) -> dict[str, str]:
    """A whole scope as it is kept with a row.

    The whole of it once more in one field, because the embedded store holds every condition against
    every row in Python; that field is mem0's ``actor_id``, of which qdrant's servers have an index.
    """
    parts = {FIELDS[name]: mark + quote(scope[name], safe="") for name in FIELDS}
    named = [scope[name] for name in FIELDS] + ([scope["set"]] if scope.get("set") else [])
    of = {SET: mark + quote(scope["set"], safe="")} if scope.get("set") else {}
    return {**parts, **of, WHOLE: mark + "/".join(quote(one, safe="") for one in named)}


def conditions(scope: Mapping[str, str], mark: str = MEMORY) -> dict[str, str]:
    """What rows of a scope, or of a part of one, have in common; see ``in_set`` for the rest."""
    if all(name in scope for name in (*FIELDS, "set")):
        return {WHOLE: kept(scope, mark)[WHOLE]}
    fields = {**FIELDS, "set": SET}
    asked = {name: value for name, value in scope.items() if name != "set" or value}
    return {fields[name]: mark + quote(value, safe="") for name, value in asked.items()}


def in_set(scope: Mapping[str, str], payload: Mapping[str, object]) -> bool:
    """Whether a row is in the set that is asked for: that in none stores cannot be asked for."""
    return scope.get("set") != "" or not payload.get(SET)


def understood(payload: Mapping[str, object]) -> dict[str, str]:
    """The scope of what mem0 gave back."""
    parts = {name: unquote(str(payload[field])[1:]) for name, field in FIELDS.items()}
    return shown_scope({**parts, "set": unquote(str(payload.get(SET) or MEMORY)[1:])})
