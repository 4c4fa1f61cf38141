"""Metadata as Chroma keeps them, and conditions as it is asked for them.

Chroma's own metadata are flat, and writing an item again leaves the entries that the new one does
not have. So each item has its metadata whole, as JSON, and beside them what conditions ask for:

- ``headrace.kinds``: a list of what its entries are: ``is NAME``, and ``number NAME`` too;
- ``is NAME``: the value as a text that equal values have in common;
- ``number NAME``: the nearest float's place among all floats, which no transport rounds;
- ``rest NAME``: of a large number what the float leaves out.

An entry that the list does not name is not looked at, so that one that was left by another writer
does no harm.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Any, TypeAlias

from headrace.filters import AnyOf, Comparison, Not, parse_filter
from headrace_chroma._errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.filters import Condition

__all__ = ["JSON", "VALUES", "Where", "entries_of", "where_of"]

Where: TypeAlias = "dict[str, Any] | bool"
"""What Chroma is asked; or that all, or none, fulfil it, which it has no words for."""

JSON = "headrace.json"
KINDS = "headrace.kinds"
VALUES = 10_000
"""How many values a condition may name: SQLite below Chroma takes some 32,000 in all."""
_LONG = 100
"""Longer texts are compared by their digest."""
_EXACT = 2.0**53
_TURNED = {"$lt": "$gte", "$lte": "$gt", "$gt": "$lte", "$gte": "$lt"}


def entries_of(metadata: Mapping[str, Any], written: str) -> dict[str, Any]:
    """The entries that Chroma keeps for metadata.

    Args:
        metadata: The metadata.
        written: The same as JSON.
    """
    kinds = ["item"]  # Chroma takes no list without entries
    entries: dict[str, Any] = {JSON: written, KINDS: kinds}
    for name, value in metadata.items():
        if value is None:
            continue
        kinds.append(f"is {name}")
        entries[f"is {name}"] = _equal(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            kinds.append(f"number {name}")
            place, rest = _ordered(value)
            entries[f"number {name}"] = place
            if rest is not None:
                entries[f"rest {name}"] = rest
    return entries


def where_of(where: Mapping[str, Any] | None) -> Where:
    """A condition as Chroma is asked for it.

    Raises:
        RefusedError: It names too many values.
    """
    return _asked(parse_filter(where), turned=False)


def _asked(condition: Condition, *, turned: bool) -> Where:
    if isinstance(condition, Not):
        return _asked(condition.part, turned=not turned)
    if isinstance(condition, Comparison):
        return _compared(condition, turned=turned)
    parts = [_asked(part, turned=turned) for part in condition.parts]
    return _any(parts) if isinstance(condition, AnyOf) is not turned else _all(parts)


def _compared(test: Comparison, *, turned: bool) -> Where:
    if test.verb in {"eq", "in"}:
        return _among(test.name, test.value if test.verb == "in" else [test.value], turned=turned)
    if test.verb == "ne":
        return _among(test.name, [test.value], turned=not turned)
    sign = f"${test.verb}"
    if turned:
        less = _less(test.name, _TURNED[sign], test.value)
        return _any([{KINDS: {"$not_contains": f"number {test.name}"}}, less])
    return _all([{KINDS: {"$contains": f"number {test.name}"}}, _less(test.name, sign, test.value)])


def _among(name: str, wanted: Sequence[Any], *, turned: bool) -> Where:
    values = sorted({_equal(value) for value in wanted if value is not None})
    if len(values) > VALUES:
        raise RefusedError(f"filter: {name}: {len(values)} values; Chroma is asked for {VALUES}")
    there: Where = {KINDS: {"$contains": f"is {name}"}}
    missing: Where = {KINDS: {"$not_contains": f"is {name}"}}
    entry = f"is {name}"
    if turned:
        other: Where = _all([there, {entry: {"$nin": values}}]) if values else there
        return other if None in wanted else _any([missing, other])
    one: Where = _all([there, {entry: {"$in": values}}]) if values else False
    return _any([missing, one]) if None in wanted else one


def _less(name: str, sign: str, wanted: Any) -> Where:
    place, rest = _ordered(wanted)
    entry = f"number {name}"
    if rest is None:
        return {entry: {sign: place}}
    strictly = sign.removesuffix("e")
    return _any(
        [
            {entry: {strictly: place}},
            _all([{entry: {"$eq": place}}, {f"rest {name}": {sign: rest}}]),
        ]
    )


def _all(parts: Sequence[Where]) -> Where:
    left = [part for part in parts if part is not True]
    return False if False in left else _joined("$and", left, empty=True)


def _any(parts: Sequence[Where]) -> Where:
    left = [part for part in parts if part is not False]
    return True if True in left else _joined("$or", left, empty=False)


def _joined(sign: str, parts: Sequence[Where], *, empty: bool) -> Where:
    if len(parts) < 2:  # noqa: PLR2004 - Chroma joins two or more
        return parts[0] if parts else empty
    return {sign: [*parts]}


def _equal(value: Any) -> str:
    """A text that equal values have in common, and others do not."""
    if isinstance(value, bool):
        return f"truth {value}"
    if isinstance(value, (int, float)):
        whole = isinstance(value, int) or value.is_integer()
        return f"number {int(value) if whole else value!r}"
    if not isinstance(value, str):
        return "other"
    if len(value) <= _LONG:
        return f"text {value}"
    return f"digest {hashlib.sha256(value.encode()).hexdigest()}"


def _ordered(value: float) -> tuple[int, int | None]:
    """The place of the nearest float among all floats, and what it leaves out of a large number.

    Of floats the order is that of their bits, turned round below zero.
    """
    near = float(value) + 0.0  # one zero
    (bits,) = struct.unpack("<q", struct.pack("<d", near))
    place = bits if bits >= 0 else -(bits & (2**63 - 1))
    return place, int(value) - int(near) if abs(near) >= _EXACT else None
