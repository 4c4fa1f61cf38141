"""A piece of hostile text, made fit to be shown: short, on one line, nothing hidden, no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace_skills._secret_forms import ASSIGNED, SECRET
from headrace_skills._text import has_hidden

if TYPE_CHECKING:
    import re

__all__ = ["MAX_EXCERPT", "excerpt", "shown"]

MAX_EXCERPT = 120


def shown(text: str) -> str:
    """Write out every character that is not seen, as ``<U+200B>``; a blank stays one."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        " " if one in "\n\r\t" else f"<U+{ord(one):04X}>" if has_hidden(one) else one
        for one in text
    )


def _masked(match: re.Match[str]) -> str:
    return match[0][:4] + "***"


def excerpt(text: str, start: int, end: int) -> str:
    """Cut a match out of its text, with some of its line around it."""
    left = max(text.rfind("\n", 0, start) + 1, start - 30)
    right = text.find("\n", end)
    right = min(len(text) if right < 0 else right, max(end + 30, start + MAX_EXCERPT))
    # What was cut may be the half of a secret, which no pattern knows: mask first, then shorten.
    piece = text[left : min(right, left + 4 * MAX_EXCERPT)]
    piece = ASSIGNED.sub(lambda found: found[1] + "***" + found[3], SECRET.sub(_masked, piece))
    line = " ".join(shown(piece).split())
    return line if len(line) <= MAX_EXCERPT else line[: MAX_EXCERPT - 1].rstrip() + "…"
