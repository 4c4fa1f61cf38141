"""What the conformance class of vector stores keeps, asks and refuses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from headrace.vectors import VectorItem

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

HOSTILE = (
    "'; DROP TABLE items; --",
    'a"b',
    "a'b",
    "a\\b",
    "a.b",
    "$.a",
    "[0]",
    "%s %(a)s",
    ":a ?1 $1",
    "{a}",
    " ",
    "\n\t",
    "../../a",
    "NULL",
    "Zürich",
    "Zu\u0308rich",
    "数据",
    "\U0001f9ed",
    "\ufeff",
    "\x01\x7f",
    "long " * 100,
)
"""Texts that a careless store takes for SQL, for paths, for patterns, or for each other."""
UNSTORABLE = ("a\0b", "\0", "a\ud800b")
"""Texts that not every database can hold, so that none does."""
METADATA: tuple[dict[str, Any], ...] = (
    {"none": None, "yes": True, "no": False, "list": [1, [2, {"a": None}]], "map": {"b": {}}},
    {"one": 1, "real": 1.5, "whole": 2.0, "tenth": 0.1, "sum": 0.1 + 0.2, "least": 5e-324},
    {"most": 2**63 - 1, "fewest": -(2**63), "odd": 2**53 + 1, "big": 1e23, "biggest": 1.7e308},
    {"": "empty", "a.b": {"c.d": 'quoted "'}, "Zürich": "数据 \U0001f9ed", "n": "\\u0000"},
)
UNSTORABLE_METADATA: tuple[Any, ...] = (
    {"a": math.nan},
    {"a": [math.inf]},
    {"a": "\0"},
    {"\0": 1},
    {"a": {"b": "\ud800"}},
    {1: "a"},
    {"a": {1, 2}},
    {"a": object()},
    {"a": 2**63},
    "text",
    ["a"],
)
BAD_VECTORS: tuple[Any, ...] = (
    [],
    [0.0, 0.0, 0.0],
    [-0.0, 0, 0.0],
    [1.0, math.nan, 0.0],
    [math.inf, 1.0, 0.0],
    [1.0, -math.inf, 0.0],
    "abc",
    [1.0, "2", 3.0],
    [10**400, 1.0, 1.0],
    None,
)
"""Of length three where they have one: the others of the tests are of three too."""
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 1.0, 1.5, 0.1, 0.1 + 0.2, -0.0, 1e300, -1e-300),
    *(2**53, 2**53 + 1, 2.0**53, 2**62, 2.0**62, 2**63 - 1, -(2**63), 2.0**63, 1e23),
    *("", "a", "A", "aa", "b", "1", "true", "null", "é", "z", "\uffff", "\U0001f600", "a'\"\\"),
)


def item(name: Any, vector: Any, *, text: Any = "text", metadata: Any = None) -> VectorItem:
    """An item."""
    return VectorItem(id=name, text=text, metadata=metadata, vector=vector)


def names(found: Sequence[VectorItem]) -> list[str]:
    """The ids of items."""
    return [one["id"] for one in found]


def drawn(draw: random.Random, length: int) -> list[float]:
    """A vector of any direction."""
    return [draw.gauss(0, 1) for _ in range(length)]


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of two vectors, as its definition says it."""
    dot = math.fsum(a * b for a, b in zip(one, other, strict=True))
    return dot / (math.hypot(*one) * math.hypot(*other))


def metadata(draw: random.Random) -> dict[str, Any]:
    """Metadata of values that are easily taken for each other."""
    values = (*VALUES, ["a"], [], {"a": 1}, {})
    return {name: draw.choice(values) for name in ("a", "b", "c.d") if draw.random() < 0.8}


def joined(draw: random.Random, verbs: Sequence[str], joins: Sequence[str]) -> dict[str, Any]:
    """A condition of conditions: with ``$and``, ``$or``, ``$not``, one in another."""
    where = condition(draw, verbs)
    for join in draw.choices(joins, k=draw.randrange(1, 4)):
        if join == "not":
            where = {"$not": where, **(condition(draw, verbs) if draw.random() < 0.3 else {})}
        else:
            where = {f"${join}": [where, *(condition(draw, verbs) for _ in range(2))]}
    return where


def condition(draw: random.Random, verbs: Sequence[str]) -> dict[str, Any]:
    """A condition with one to three of the operators."""
    where: dict[str, Any] = {}
    for name in draw.sample(("a", "b", "c.d"), draw.choice((1, 1, 2))):
        verb = draw.choice(verbs)
        if verb == "in":
            where[name] = {"in": draw.choices(VALUES, k=draw.randrange(4))}
        elif verb in {"eq", "ne"}:
            where[name] = {verb: draw.choice(VALUES)}
        else:
            comparable = [v for v in VALUES if v is not None and not isinstance(v, bool)]
            where[name] = {verb: draw.choice(comparable)}
    return where
