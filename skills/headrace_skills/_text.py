"""Text that other people wrote, made fit to be shown on one line or in a prompt."""

from __future__ import annotations

import unicodedata
from html import escape

__all__ = ["has_hidden", "in_frame", "one_line"]


def _is_hidden(character: str) -> bool:
    # Controls, invisible formatting (with the tag characters that carry instructions nobody
    # sees), surrogates, private use, unassigned; and the two separators that end a line.
    category = unicodedata.category(character)
    return category[0] == "C" or category in ("Zl", "Zp")


def has_hidden(text: str) -> bool:
    """Tell whether a text has characters that are not seen."""
    return any(map(_is_hidden, text))


def one_line(text: str, limit: int) -> str:
    """Put a text on one line, without what is not seen, in at most ``limit`` characters."""
    shown = "".join(" " if _is_hidden(character) else character for character in text)
    line = " ".join(shown.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def in_frame(text: str, limit: int) -> str:
    """Make a text that no tag can be told from: what it frames, it cannot leave."""
    return escape(one_line(text, limit), quote=False)
