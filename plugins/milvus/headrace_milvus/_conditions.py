"""Metadata as Milvus is asked for them, and conditions in its language.

The language has no word for an entry that is not there, and Milvus Lite none for "not". So each
item has a JSON field beside its metadata, of names and values that need no quoting:

- ``eDIGEST``: a digest of the value, for the entry whose name has the digest;
- ``hDIGEST``: 1, where there is such an entry;
- ``nDIGEST``, ``rDIGEST``: a number's place in their order, and what that leaves out;
- ``mDIGEST``: 1, where there is a number.

What is asked the other way round uses ``!=`` and ``not in``, which hold where there is no entry.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeAlias

from headrace.filters import AnyOf, Comparison, Not, parse_filter
from headrace.vectors import equality_key, order_key
from headrace_milvus._errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.filters import Condition

__all__ = ["ENTRIES", "VALUES", "Where", "entries_of", "where_of"]

Where: TypeAlias = "str | bool"
"""What Milvus is asked; or that all, or none, fulfil it."""

ENTRIES = "entries"
"""The field."""
VALUES = 1_000
"""How many values a condition may name for an entry."""
_TURNED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_SIGNS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def entries_of(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What conditions on metadata are asked of."""
    entries: dict[str, Any] = {}
    for name, value in metadata.items():
        if value is None:
            continue
        key = _digest(name)
        entries[f"e{key}"] = _digest(equality_key(value))
        entries[f"h{key}"] = 1
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            place, rest = order_key(value)
            entries[f"n{key}"] = place
            entries[f"m{key}"] = 1
            if rest is not None:
                entries[f"r{key}"] = rest
    return entries


def where_of(where: Mapping[str, Any] | None) -> Where:
    """A condition as Milvus is asked for it.

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
    key, sign = _digest(test.name), _SIGNS[test.verb]
    if turned:
        return _any([f"{_of('m', key)} != 1", _less(key, _TURNED[sign], test.value)])
    return _less(key, sign, test.value)


def _among(name: str, wanted: Sequence[Any], *, turned: bool) -> Where:
    values = sorted({_digest(equality_key(value)) for value in wanted if value is not None})
    if len(values) > VALUES:
        raise RefusedError(f"filter: {name}: {len(values)} values; Milvus is asked for {VALUES}")
    key = _digest(name)
    there, missing = f"{_of('h', key)} == 1", f"{_of('h', key)} != 1"
    listed = ", ".join(f'"{value}"' for value in values)
    if turned:
        other: Where = f"{_of('e', key)} not in [{listed}]" if values else True
        return _all([there, other]) if None in wanted else other
    one: Where = f"{_of('e', key)} in [{listed}]" if values else False
    return _any([missing, one]) if None in wanted else one


def _less(key: str, sign: str, wanted: Any) -> Where:
    place, rest = order_key(wanted)
    if rest is None:
        return f"{_of('n', key)} {sign} {place}"
    same = _all([f"{_of('n', key)} == {place}", f"{_of('r', key)} {sign} {rest}"])
    return _any([f"{_of('n', key)} {sign[0]} {place}", same])


def _of(kind: str, key: str) -> str:
    return f'{ENTRIES}["{kind}{key}"]'


def _all(parts: Sequence[Where]) -> Where:
    left = [part for part in parts if isinstance(part, str)]
    return False if False in parts else _joined(" and ", left, empty=True)


def _any(parts: Sequence[Where]) -> Where:
    left = [part for part in parts if isinstance(part, str)]
    return True if True in parts else _joined(" or ", left, empty=False)


def _joined(word: str, parts: list[str], *, empty: bool) -> Where:
    return f"({word.join(parts)})" if parts else empty


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
