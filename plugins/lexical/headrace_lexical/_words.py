"""From a text to its words: folded, and the same whatever the accents, the case, the width."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LONGEST", "is_unspaced", "words"]

LONGEST = 32
"""Characters of a word; a longer one is taken as several."""

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Burmese
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # Japanese syllables and signs of repetition
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
)
"""Characters of writings that put no spaces between words."""
_PIECE = re.compile(rf"[{_UNSPACED}]+|[^\s{_UNSPACED}]{{1,{LONGEST}}}")
_FIRST = re.compile(rf"[{_UNSPACED}]")
_WITHIN = frozenset("'\u2019\u02bc\u00ad\u200c\u200d")
"""Left out without an end of the word: apostrophes, soft hyphens, joiners."""


class _Signs(dict[int, "int | None"]):
    """What becomes of each character: itself, nothing, or a space; found out at its first use."""

    def __missing__(self, code: int) -> int | None:
        made = self[code] = _sign(chr(code))
        return made


def _sign(character: str) -> int | None:
    if character in _WITHIN or "\u0300" <= character <= "\u036f":
        return None  # accents of Latin, Greek and Cyrillic; other writings' marks are vowels
    if "\ufe00" <= character <= "\ufe0f":
        return None  # they choose between two looks of a character
    category = unicodedata.category(character)
    # Letters, marks, numbers; and symbols such as emoji, but not those of mathematics.
    return ord(character) if category[0] in "LMN" or category == "So" else ord(" ")


_SIGNS = _Signs()


def words(text: str) -> Iterator[str]:
    """The words of a text, in order; a run of a writing without spaces is one of them."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    folded = unicodedata.normalize("NFKD", plain).translate(_SIGNS)
    for match in _PIECE.finditer(unicodedata.normalize("NFC", folded)):
        yield match[0]


def is_unspaced(word: str) -> bool:
    """Whether a word is a run of a writing without spaces."""
    return _FIRST.match(word) is not None
