"""Conditions on metadata as SQL over a ``jsonb`` column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.filters import Comparison, parse_filter, sql_of
from headrace.vectors import written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["condition_sql"]

_COMPARE = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_ORDERED = (
    # PostgreSQL may look at the parts of an AND in any order, at those of a CASE not.
    "CASE jsonb_typeof(metadata -> %s::text) WHEN '{kind}' "
    "THEN (metadata ->> %s::text){cast} {sign} %s::{type} ELSE false END"
)


def condition_sql(where: Mapping[str, Any] | None) -> tuple[str, list[Any]]:
    """What a condition asks of the column ``metadata``, and the values that it is bound to.

    Raises:
        ValueError: It is no condition.
    """
    return sql_of(parse_filter(where), _one)


def _one(test: Comparison) -> tuple[str, list[Any]]:
    name, verb, wanted = test.name, test.verb, test.value
    if verb in _COMPARE:
        return _ordered(name, _COMPARE[verb], wanted)
    if verb == "ne":
        part, bound = _among(name, [wanted])
        return f"NOT {part}", bound
    return _among(name, wanted if verb == "in" else [wanted])


def _ordered(name: str, sign: str, wanted: Any) -> tuple[str, list[Any]]:
    if isinstance(wanted, str):  # by code points, whatever the database's own order
        form = _ORDERED.format(kind="string", cast=' COLLATE "C"', sign=sign, type="text")
        return form, [name, name, wanted]
    form = _ORDERED.format(kind="number", cast="::numeric", sign=sign, type="numeric")
    return form, [name, name, written(wanted)]


def _among(name: str, wanted: Sequence[Any]) -> tuple[str, list[Any]]:
    """Containment says what equality is: of one kind, and numbers by their value."""
    parts = ["metadata @> ANY (%s::text[]::jsonb[])"]
    bound: list[Any] = [[written({name: value}) for value in wanted if value is not None]]
    if None in wanted:
        parts.append("coalesce(metadata -> %s::text, 'null') = 'null'")
        bound.append(name)
    return f"({' OR '.join(parts)})", bound
