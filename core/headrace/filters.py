"""Conditions on metadata, the same for every vector store and memory.

A condition is a mapping. Each entry must hold::

    {"lang": "de"}                         # equal
    {"lang": ["de", "fr"]}                 # one of
    {"year": {"gte": 2020, "lt": 2024}}    # compared: eq, ne, lt, lte, gt, gte, in
    {"draft": None}                        # there is none, or it is null

Compared are texts with texts, by their code points, and numbers with numbers, by their exact value;
where the kinds differ, or the entry is missing, nothing but ``ne`` and ``None`` holds. True and
false are no numbers. A name is the whole name of an entry, not a path into nested ones.

What some store could not hold cannot be asked for: a text with a NUL or half of a surrogate pair, a
number that is not finite, an integer beyond 64 bits.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["OPERATORS", "check_filter", "conditions", "matches"]

OPERATORS = ("eq", "ne", "lt", "lte", "gt", "gte", "in")
"""The names of what may be asked."""

_INTEGERS = range(-(2**63), 2**63)
_COMPARE = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


def check_filter(where: Mapping[str, Any] | None) -> None:
    """Refuses what is no condition.

    Raises:
        ValueError: With the entry and what is wrong.
    """
    conditions(where)


def conditions(where: Mapping[str, Any] | None) -> list[tuple[str, str, Any]]:
    """A condition as a list of (name, operator, value), for stores that ask in a language.

    Raises:
        ValueError: It is no condition; with the entry and what is wrong.
    """
    found: list[tuple[str, str, Any]] = []
    if where is not None and not isinstance(where, Mapping):
        raise ValueError(f"filter: a condition is a mapping, not a {type(where).__name__}")
    for name, wanted in (where or {}).items():
        if not isinstance(name, str) or not name or not _storable(name):
            raise ValueError(f"filter: {name!r} is no name of an entry")
        if isinstance(wanted, Mapping):
            if not wanted:
                raise ValueError(f"filter: {name}: asks nothing")
            found += [(name, *_checked(name, verb, value)) for verb, value in wanted.items()]
        elif _is_list(wanted):
            found.append((name, *_checked(name, "in", wanted)))
        else:
            found.append((name, *_checked(name, "eq", wanted)))
    return found


def matches(where: Mapping[str, Any] | None, metadata: Mapping[str, Any]) -> bool:
    """Whether metadata fulfil a condition.

    Raises:
        ValueError: It is no condition.
    """
    return all(_holds(metadata.get(name), verb, value) for name, verb, value in conditions(where))


def _holds(found: Any, verb: str, value: Any) -> bool:
    if verb == "eq":
        return _equal(found, value)
    if verb == "ne":
        return not _equal(found, value)
    if verb == "in":
        return any(_equal(found, each) for each in value)
    if _kind(found) != _kind(value) or _kind(found) not in {"number", "text"}:
        return False
    return bool(_COMPARE[verb](found, value))


def _equal(one: Any, other: Any) -> bool:
    return _kind(one) == _kind(other) and bool(one == other)


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, (int, float)):
        return "number"
    return "text" if isinstance(value, str) else type(value).__name__


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _checked(name: str, verb: Any, value: Any) -> tuple[str, Any]:
    if verb not in OPERATORS:
        raise ValueError(f"filter: {name}: {verb!r} is none of {', '.join(OPERATORS)}")
    values = value if verb == "in" else [value]
    if not _is_list(values):
        raise ValueError(f"filter: {name}: in takes a list")
    for each in values:
        if not (each is None or isinstance(each, (str, int, float, bool))):
            raise ValueError(
                f"filter: {name}: compares with a text, a number, true, false or null, not with "
                f"a {type(each).__name__}"
            )
        if not _storable(each):
            raise ValueError(f"filter: {name}: no store can hold {each!r:.50}")
        if verb in _COMPARE and _kind(each) not in {"number", "text"}:
            raise ValueError(f"filter: {name}: {verb} compares texts and numbers")
    return verb, list(values) if verb == "in" else value


def _storable(value: Any) -> bool:
    """Whether every store can hold a text or a number."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= each <= "\udfff" for each in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or value in _INTEGERS
