"""Conditions on metadata, the same for every vector store and memory.

A condition is a mapping. Each entry must hold::

    {"lang": "de"}                         # equal
    {"lang": ["de", "fr"]}                 # one of
    {"year": {"gte": 2020, "lt": 2024}}    # compared: eq, ne, lt, lte, gt, gte, in
    {"draft": None}                        # there is none, or it is null
    {"$or": [{"lang": "de"}, {"year": 2020}]}   # one of these conditions holds
    {"$and": [{"lang": "de"}, {"year": 2020}]}  # each of them does
    {"$not": {"lang": ["de", "fr"]}}            # this one does not

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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "FEATURES",
    "OPERATORS",
    "All",
    "AnyOf",
    "Comparison",
    "Condition",
    "Not",
    "check_filter",
    "features_of",
    "matches",
    "parse_filter",
    "sql_of",
]

OPERATORS = ("eq", "ne", "lt", "lte", "gt", "gte", "in")
"""The names of what may be asked of an entry."""
FEATURES = frozenset({"equal", "null", "numbers", "texts", "or", "not"})
"""What a store may be able to do, or not.

``equal``: eq, ne, in. ``null``: whether there is an entry. ``numbers``, ``texts``: which is less.
``or``, ``not``: conditions joined, and turned round.
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One thing that is asked of an entry."""

    name: str
    """The entry's name."""
    verb: str
    """One of ``OPERATORS``."""
    value: Any
    """What it is compared with; of ``in`` a list."""


@dataclass(frozen=True, slots=True)
class All:
    """Holds where each part does; of no part, always."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds where one part does."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds where its part does not."""

    part: Condition


Condition: TypeAlias = "Comparison | All | AnyOf | Not"
"""What a condition is made of."""

_DEPTH = 16
"""How deep conditions may stand in each other: what a database takes apart is bounded too."""

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
    parse_filter(where)


def parse_filter(where: Mapping[str, Any] | None) -> All:
    """A condition taken apart, for stores that ask in a language of their own.

    Raises:
        ValueError: It is no condition; with the entry and what is wrong.
    """
    return All(()) if where is None else _parsed(where, 0)


def features_of(where: Mapping[str, Any] | None) -> frozenset[str]:
    """Which of ``FEATURES`` a condition asks for.

    Raises:
        ValueError: It is no condition.
    """
    return frozenset(_features(parse_filter(where)))


def sql_of(
    condition: Condition,
    test: Callable[[Comparison], tuple[str, list[Any]]],
    *,
    true: str = "true",
) -> tuple[str, list[Any]]:
    """A condition as SQL, and the values that it is bound to.

    Args:
        condition: The condition.
        test: The SQL of one test: it is true or false, and never NULL.
        true: What is true.
    """
    if isinstance(condition, Comparison):
        return test(condition)
    if isinstance(condition, Not):
        part, bound = sql_of(condition.part, test, true=true)
        return f"NOT ({part})", bound
    parts = [sql_of(part, test, true=true) for part in condition.parts]
    joined = (" AND " if isinstance(condition, All) else " OR ").join(part for part, _ in parts)
    bound = [value for _, values in parts for value in values]
    return (f"({joined})" if len(parts) > 1 else joined or true), bound


def matches(where: Mapping[str, Any] | None, metadata: Mapping[str, Any]) -> bool:
    """Whether metadata fulfil a condition.

    Raises:
        ValueError: It is no condition.
    """
    return _fulfilled(parse_filter(where), metadata)


def _parsed(where: Any, depth: int) -> All:
    if not isinstance(where, Mapping):
        raise ValueError(f"filter: a condition is a mapping, not a {type(where).__name__}")  # noqa: TRY004 - one type for all
    if depth > _DEPTH:
        raise ValueError(f"filter: conditions stand in each other deeper than {_DEPTH}")
    found: list[Condition] = []
    for name, wanted in where.items():
        if not isinstance(name, str) or not name or not _storable(name):
            raise ValueError(f"filter: {name!r} is no name of an entry")
        if name in {"$and", "$or"}:
            if not _is_list(wanted) or not wanted:
                raise ValueError(f"filter: {name} takes a list of conditions")
            parts = tuple(_parsed(part, depth + 1) for part in wanted)
            found.append(All(parts) if name == "$and" else AnyOf(parts))
        elif name == "$not":
            found.append(Not(_parsed(wanted, depth + 1)))
        elif isinstance(wanted, Mapping):
            if not wanted:
                raise ValueError(f"filter: {name}: asks nothing")
            found += [
                Comparison(name, *_checked(name, verb, value)) for verb, value in wanted.items()
            ]
        else:
            verb = "in" if _is_list(wanted) else "eq"
            found.append(Comparison(name, *_checked(name, verb, wanted)))
    return All(tuple(found))


def _features(condition: Condition) -> Iterator[str]:
    if isinstance(condition, Comparison):
        values = condition.value if condition.verb == "in" else [condition.value]
        if condition.verb in _COMPARE:
            yield "texts" if isinstance(condition.value, str) else "numbers"
        else:
            yield "equal"
        if None in values:
            yield "null"
        return
    if isinstance(condition, Not):
        yield "not"
    elif isinstance(condition, AnyOf):
        yield "or"
    for part in (condition.part,) if isinstance(condition, Not) else condition.parts:
        yield from _features(part)


def _fulfilled(condition: Condition, metadata: Mapping[str, Any]) -> bool:
    if isinstance(condition, Comparison):
        return _holds(metadata.get(condition.name), condition.verb, condition.value)
    if isinstance(condition, Not):
        return not _fulfilled(condition.part, metadata)
    parts = (_fulfilled(part, metadata) for part in condition.parts)
    return all(parts) if isinstance(condition, All) else any(parts)


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
