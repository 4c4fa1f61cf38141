"""TOML compared, and written for one value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["inline_text", "key_text", "same", "value_text"]


def same(one: Any, other: Any) -> bool:
    """Tell whether two documents say the same; a table with nothing in it says nothing."""
    return _plain(one) == _plain(other)


def _plain(value: Any) -> str:
    return json.dumps(_without_empty(value), sort_keys=True, default=repr)


def _without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _without_empty(one) for name, one in value.items()}
    return {name: one for name, one in inner.items() if one != {}}


def key_text(path: Sequence[str]) -> str:
    """Write a dotted key."""
    import tomlkit

    return ".".join(tomlkit.key(part).as_string() for part in path)


def value_text(value: Any) -> str:
    """Write a value on one line."""
    import tomlkit

    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, dict):
        return inline_text([f"{key_text([key])} = {value_text(of)}" for key, of in value.items()])
    text: str = tomlkit.item(value).as_string()
    return text


def inline_text(pairs: Sequence[str], *, tight: bool = False) -> str:
    """Write an inline table of pairs that are written."""
    blank = "" if tight or not pairs else " "
    return f"{{{blank}{', '.join(pairs)}{blank}}}"
