"""YAML with comments: the documents are PyYAML's, the comments stand before what they explain."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import yaml

__all__ = ["Noted", "document"]

_WIDTH = 10_000
"""No value is folded: a diff shows which one changed."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A value with a comment before its key."""

    comment: str
    """The comment, a line or more."""
    value: Any
    """The value; a mapping may hold noted ones in turn."""


def document(header: str, data: dict[str, Any]) -> str:
    """A document: the same text for the same data.

    Args:
        header: The comment that it begins with.
        data: What it holds.
    """
    return f"{_comment(header)}{_mapping(data)}"


def _mapping(data: dict[str, Any]) -> str:
    parts = []
    for key, value in data.items():
        comment, plain = (
            (_comment(value.comment), value.value) if isinstance(value, Noted) else ("", value)
        )
        if _has_notes(plain):
            text = f"{key}:\n{textwrap.indent(_mapping(plain), '  ')}"
        else:
            text = yaml.safe_dump({key: plain}, sort_keys=False, width=_WIDTH, allow_unicode=True)
        parts.append(comment + text)
    return "".join(parts)


def _has_notes(value: Any) -> bool:
    return isinstance(value, dict) and any(
        isinstance(one, Noted) or _has_notes(one) for one in value.values()
    )


def _comment(text: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())
