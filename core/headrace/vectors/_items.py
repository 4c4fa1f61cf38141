"""What vector stores keep of an item, and what they refuse.

The rules are those that every store can keep to, so that an agent may change its store: what
PostgreSQL cannot hold (a NUL, half of a surrogate pair) is refused here too.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "DIMENSIONS",
    "ID_BYTES",
    "Change",
    "Row",
    "VectorItem",
    "changes_of",
    "rows_of",
    "storable",
    "unit",
    "written",
]

ID_BYTES = 1024
"""How long an id may be, in UTF-8: an index of PostgreSQL takes no more than 2,700 bytes."""
DIMENSIONS = 16_000
"""How long a vector may be: what pgvector holds."""
_DEPTH = 100
_INTEGERS = range(-(2**63), 2**63)
_LEAST = 1e-300
"""Shorter vectors are of numbers that have lost digits already."""
_EXACT = 2.0**53
"""From here on not every integer is a float, so that shortened digits would name another number."""


class VectorItem(dict[str, Any]):
    """A text with its vector in a store.

    ``id`` (a text), ``text``, ``metadata`` (JSON), ``vector`` (a list of floats; stores need not
    give it back), and for what was found ``score`` (best 1; ``VectorQuery`` says of what).
    """


class Row(NamedTuple):
    """An item that was checked: its metadata as they are and as JSON, its vector of length one."""

    id: str
    text: str
    metadata: Mapping[str, Any]
    json: str
    vector: array[float]


class Change(NamedTuple):
    """What is to be another of an item that is there; ``None`` stays as it is."""

    id: str
    text: str | None
    metadata: Mapping[str, Any] | None
    json: str | None
    vector: array[float] | None


def rows_of(items: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The items as they are kept; of two with one id, the last.

    Raises:
        ValueError: One cannot be kept, or the vectors differ in length; with its place.
    """
    rows: dict[str, Row] = {}
    length: int | None = None
    for place, item in enumerate(items):
        try:
            row = _row(item)
        except ValueError as error:
            raise ValueError(f"item {place}: {error}") from None
        length = len(row.vector) if length is None else length
        if len(row.vector) != length:
            raise ValueError(
                f"item {place}: its vector has {len(row.vector)} numbers, those before it {length}"
            )
        rows[row.id] = row
    return list(rows.values())


def changes_of(items: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Items as they are changed; of two with one id, what the last says.

    Raises:
        ValueError: One cannot be kept, or the vectors differ in length; with its place.
    """
    changes: dict[str, Change] = {}
    lengths: set[int] = set()
    for place, item in enumerate(items):
        try:
            change = _change(item)
        except ValueError as error:
            raise ValueError(f"item {place}: {error}") from None
        if change.vector is not None:
            lengths.add(len(change.vector))
        if len(lengths) > 1:
            raise ValueError(f"item {place}: its vector is not as long as those before it")
        before = changes.get(change.id)
        if before is not None:
            change = before._replace(**{k: v for k, v in change._asdict().items() if v is not None})
        changes[change.id] = change
    return list(changes.values())


def unit(vector: Sequence[float]) -> array[float]:
    """A vector brought to length one, in single precision.

    Raises:
        ValueError: It has no direction, or is no vector.
    """
    try:
        values = array("d", [*vector])
    except (TypeError, OverflowError):
        raise ValueError("the vector is no list of numbers") from None
    if len(values) > DIMENSIONS:
        raise ValueError(f"the vector has {len(values)} numbers; a store holds {DIMENSIONS}")
    length = math.hypot(*values)
    if not _LEAST < length < math.inf:
        length, values = _scaled(values)
    return array("f", [value / length for value in values])


def _scaled(values: array[float]) -> tuple[float, array[float]]:
    """The length of a vector so long or so short that floats do not hold it, and what it is of."""
    if not all(map(math.isfinite, values)):
        raise ValueError("the vector has a number that is not finite")
    biggest = max(map(abs, values), default=0.0)
    if not biggest:
        raise ValueError("the vector has no direction: it has no number that is not zero")
    values = array("d", [value / biggest for value in values])
    return math.hypot(*values), values


def storable(text: Any) -> bool:
    """Whether every store can hold it: a text without NUL and without half surrogate pairs."""
    if not isinstance(text, str) or "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def written(value: Any, depth: int = 0) -> str:
    """JSON that every store reads as the same value.

    Raises:
        ValueError: It is no JSON, or some store cannot hold it.
    """
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        if not storable(value):
            raise ValueError("a text in the metadata holds a NUL or half of a surrogate pair")
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if value not in _INTEGERS:
            raise ValueError("a number in the metadata does not fit 64 bits")
        return int.__repr__(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number in the metadata is not finite")
        return format(value, ".1f") if abs(value) >= _EXACT else float.__repr__(value)
    if depth == _DEPTH:
        raise ValueError(f"the metadata are nested deeper than {_DEPTH}")
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise ValueError("a name in the metadata is no text")
        pairs = (f"{written(name)}:{written(part, depth + 1)}" for name, part in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(written(part, depth + 1) for part in value) + "]"
    raise ValueError(f"the metadata hold a {type(value).__name__}, which is no JSON")


def _row(item: Mapping[str, Any]) -> Row:
    metadata = item.get("metadata")
    metadata = {} if metadata is None else metadata
    vector = unit(item.get("vector", ()))
    return Row(_id(item), _text(item), metadata, _json(metadata), vector)


def _change(item: Mapping[str, Any]) -> Change:
    text, metadata, vector = item.get("text"), item.get("metadata"), item.get("vector")
    if text is not None and vector is None:
        raise ValueError("its text changes, so that its vector is of another: give that too")
    return Change(
        _id(item),
        None if text is None else _text(item),
        metadata,
        None if metadata is None else _json(metadata),
        None if vector is None else unit(vector),
    )


def _id(item: Mapping[str, Any]) -> str:
    name = item.get("id")
    if not isinstance(name, str) or not name or not storable(name):
        raise ValueError("its id must be a text, not empty, without NUL")
    if len(name.encode()) > ID_BYTES:
        raise ValueError(f"its id is longer than {ID_BYTES} bytes")
    return name


def _text(item: Mapping[str, Any]) -> str:
    text = item.get("text")
    if not isinstance(text, str) or not storable(text):
        raise ValueError("its text must be a text without NUL and without half surrogate pairs")
    return text


def _json(metadata: Any) -> str:
    if not isinstance(metadata, Mapping):
        raise ValueError("its metadata are no mapping")  # noqa: TRY004 - one type for all
    return written(metadata)
