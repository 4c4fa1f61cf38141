"""Splitting a text into pieces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["split_text"]

_BREAK = "\n\n"
_SENTENCE_END = re.compile(r"[.!?。！？]['\")\]]*\s+|\n+")  # noqa: RUF001 - of other scripts


def split_text(text: str, size: int = 1_000, overlap: int = 100) -> list[str]:
    """Splits a text into pieces for a vector store, by its paragraphs.

    Paragraphs (between empty lines) are kept whole as long as they fit; a longer one is split where
    a sentence ends, else between words. Every piece after the first begins with the end of the one
    before it.

    Args:
        text: The text.
        size: The most characters that a piece has.
        overlap: The most characters that a piece takes over from the one before.

    Raises:
        ValueError: The overlap leaves no room for anything new.
    """
    room = size - overlap - (len(_BREAK) if overlap else 0)
    if overlap < 0 or room < 1:
        raise ValueError(f"pieces of {size} characters have no room for an overlap of {overlap}")
    pieces: list[str] = []
    piece = ""
    for between, unit in _units(text, room):
        joined = f"{piece}{between}{unit}" if piece else unit
        if piece and len(joined) > size:
            pieces.append(piece)
            tail = _tail(piece, overlap)
            joined = f"{tail}{between}{unit}" if tail else unit
        piece = joined
    return [*pieces, piece] if piece else pieces


def _units(text: str, room: int) -> Iterator[tuple[str, str]]:
    """The paragraphs, or parts of them, each with what stands before it."""
    for paragraph in re.split(r"\n[^\S\n]*\n\s*", text):
        whole, at, between = paragraph.strip(), 0, _BREAK
        while len(whole) - at > room:
            window = whole[at : at + room + 1]
            end = at + _cut(window, room)
            yield between, whole[at:end].rstrip()
            glued = not whole[end - 1].isspace() and not whole[end].isspace()
            between = "" if glued else " "
            at = end
            while whole[at].isspace():
                at += 1
        if whole:
            yield between, whole[at:]


def _cut(window: str, room: int) -> int:
    """Where the first part ends of a text that is longer than there is room for."""
    ends = [match.end() for match in _SENTENCE_END.finditer(window) if match.end() <= room]
    if ends and ends[-1] > room // 2:
        return ends[-1]
    spaces = [at for at, char in enumerate(window) if char.isspace() and at > 0]
    return spaces[-1] if spaces else room


def _tail(piece: str, overlap: int) -> str:
    """The end of a piece, from the beginning of a word."""
    if not overlap:
        return ""
    tail = piece[-overlap:]
    if len(piece) > overlap and not piece[-overlap - 1].isspace():
        _, space, later = tail.partition(" ")
        tail = later if space else tail
    return tail.strip()
