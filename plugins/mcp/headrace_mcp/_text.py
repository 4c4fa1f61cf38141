"""Texts of a server, made fit to be shown: it may be anybody's, and says what it likes."""

from __future__ import annotations

import unicodedata
from typing import Any

from headrace.values import dumps

__all__ = ["clean", "clean_json", "cut", "depth", "shown"]

_KEPT = frozenset("\n\r\t")
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs"})
"""Control, format (directions, zero width, tags), private and half characters."""
_SELECTORS = range(0xE0100, 0xE01F0)
"""Variation selectors that nothing uses but texts hidden in texts."""


def clean(text: str, limit: int) -> str:
    """The text without what cannot be seen, and at most ``limit`` characters of it."""
    if text.isascii() and text.isprintable():
        return cut(text, limit)
    seen = (c for c in text if c in _KEPT or not _hidden(c))
    return cut("".join(seen), limit)


def clean_json(value: Any) -> Any:
    """A JSON value in which every text, names too, is without what cannot be seen."""
    if isinstance(value, str):
        return clean(value, len(value))
    if isinstance(value, list):
        return [clean_json(item) for item in value]
    if isinstance(value, dict):
        return {clean(name, len(name)): clean_json(item) for name, item in value.items()}
    return value


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters of a text, and how many more there were."""
    return text if len(text) <= limit else f"{text[:limit]}\n[cut: {len(text) - limit} more]"


def shown(value: Any, limit: int) -> str:
    """A JSON value as a text of at most ``limit`` characters."""
    return cut(dumps(value), limit)


def depth(value: Any) -> int:
    """How deep a JSON value is nested: 0 for a text or a number."""
    deepest, open_ = 0, [(value, 0)]
    while open_:
        one, level = open_.pop()
        if isinstance(one, (list, dict)):
            deepest = max(deepest, level + 1)
            inside = one if isinstance(one, list) else one.values()
            open_ += [(item, level + 1) for item in inside]
    return deepest


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN or ord(character) in _SELECTORS
