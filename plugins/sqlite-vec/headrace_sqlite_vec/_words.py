"""The words of a question, as SQLite's full-text index is asked for them."""

from __future__ import annotations

import re

__all__ = ["matched"]

_WORD = re.compile(r"[^\W_]+")
_MOST = 64
"""How many different words are looked up."""


def matched(text: str) -> str:
    """What FTS5 is asked for, for items with any of a text's words; empty where it has none.

    Each word stands in quotes, so that none is taken for an operator of FTS5.
    """
    words = list(dict.fromkeys(_WORD.findall(text.lower())))[:_MOST]
    return " OR ".join(f'"{word}"' for word in words)
