"""TOML read, compared, and written for one value."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found]

__all__ = ["TomlError", "key_text", "parse", "same", "string", "value_text"]

TomlError = tomllib.TOMLDecodeError

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def parse(text: str) -> dict[str, Any]:
    """Read a text.

    Raises:
        TomlError: It is no TOML.
    """
    found: dict[str, Any] = tomllib.loads(text)
    return found


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
    return ".".join(part if _BARE.fullmatch(part) else string(part) for part in path)


def string(text: str, quote: str = '"') -> str:
    """Write a string, in the quotes that are liked better where they can hold it."""
    other = "'" if quote == '"' else '"'
    if quote in text and other not in text:
        quote = other
    if quote == "'" and "'" not in text and text.isprintable():
        return f"'{text}'"
    # What JSON escapes, TOML escapes alike; JSON leaves DEL as it is, and TOML does not take it.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def value_text(value: Any) -> str:
    """Write a value on one line.

    Raises:
        TypeError: It is none that is written here.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return string(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{key_text([name])} = {value_text(one)}" for name, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    raise TypeError(f"a value of type {type(value).__name__} is not written here")
