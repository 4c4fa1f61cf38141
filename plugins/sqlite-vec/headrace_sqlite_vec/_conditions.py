"""Conditions on metadata as SQL over the table of entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.filters import Comparison, parse_filter, sql_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["condition_sql", "entries_of"]

_VALUES = 30_000
"""How many values a statement takes: SQLite's own limit is 32,766."""
_COMPARE = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def entries_of(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """The entries that conditions can ask for: name, kind, value. One that is null is none."""
    for name, value in metadata.items():
        if value is not None:
            yield (name, *_kept(value))


def condition_sql(entries: str, where: Mapping[str, Any] | None) -> tuple[str, list[Any]]:
    """What a condition asks of the column ``id``, and the values that it is bound to.

    Args:
        entries: The table of entries.
        where: The condition.

    Raises:
        ValueError: It is no condition, or has too many values.
    """
    items = f"SELECT item FROM {entries} WHERE name = ?"  # noqa: S608 - a name of our own
    sql, values = sql_of(parse_filter(where), lambda test: _one(items, test), true="1")
    if len(values) > _VALUES:
        raise ValueError(f"filter: {len(values)} values; SQLite takes {_VALUES}")
    return sql, values


def _one(items: str, test: Comparison) -> tuple[str, list[Any]]:
    name, verb, wanted = test.name, test.verb, test.value
    if verb in _COMPARE:
        kind, value = _kept(wanted)
        return f"id IN ({items} AND kind = ? AND value {_COMPARE[verb]} ?)", [name, kind, value]
    if verb == "ne":
        part, bound = _among(items, name, [wanted])
        return f"NOT {part}", bound
    return _among(items, name, wanted if verb == "in" else [wanted])


def _among(items: str, name: str, wanted: Sequence[Any]) -> tuple[str, list[Any]]:
    """One list for each kind: a chain of OR as long as the list would be too deep for SQLite."""
    kinds: dict[str, list[Any]] = {}
    for kind, value in (_kept(value) for value in wanted if value is not None):
        kinds.setdefault(kind, []).append(value)
    parts: list[str] = []
    bound: list[Any] = []
    if len(list(wanted)) != sum(map(len, kinds.values())):
        parts.append(f"id NOT IN ({items})")
        bound.append(name)
    for kind, values in kinds.items():
        marks = ", ".join("?" * len(values))
        parts.append(f"id IN ({items} AND kind = ? AND value IN ({marks}))")
        bound += [name, kind, *values]
    # One part stands alone, so that SQLite looks up the vectors of its items and no others.
    return f"({' OR '.join(parts) or '0'})", bound


def _kept(value: Any) -> tuple[str, Any]:
    if isinstance(value, bool):
        return "truth", int(value)
    if isinstance(value, (int, float)):
        return "number", value
    return ("text", value) if isinstance(value, str) else ("other", 0)
