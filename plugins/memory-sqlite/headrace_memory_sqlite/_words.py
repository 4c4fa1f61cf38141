"""Texts as the words that they are looked up by."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["alike", "grams", "index_words", "query_words"]

QUERY_WORDS = 64
"""How many different words of a query are looked up."""
ALIKE = 0.75
"""How much of two words must be the same for one to be taken for the other, mistyped."""
GRAM = 3
"""The length of the pieces by which mistyped words are found."""
_WORD = re.compile(r"[^\W_]+")
_PIECES = re.compile(
    # Scripts that set no spaces between words: Thai, Lao, Burmese, Khmer, kana, Han.
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+)"
)


def index_words(text: str) -> list[str]:
    """The words that a text is found by, in order."""
    words = []
    for run, spaceless in _runs(text):
        words += _pairs(run) if spaceless else []
        words += list(run) if spaceless else [run]
    return words


def query_words(text: str) -> list[str]:
    """The words of a query, each once; the first ``QUERY_WORDS`` of them."""
    found: dict[str, None] = {}
    for run, spaceless in _runs(text):
        pairs = _pairs(run) if spaceless else []
        found.update(dict.fromkeys(pairs or [run]))
        if len(found) >= QUERY_WORDS:
            break
    return list(found)[:QUERY_WORDS]


def grams(words: Iterable[str]) -> list[str]:
    """The pieces of words of more than three letters: by these a mistyped word is found."""
    return [
        word[at : at + GRAM]
        for word in words
        if len(word) > GRAM and not _PIECES.match(word)
        for at in range(len(word) - GRAM + 1)
    ]


def alike(asked: Iterable[str], text: str) -> float:
    """How far the words of a query are spelt like some of a text: 0, or more up to 1."""
    there = [(word, set(pieces)) for word in set(index_words(text)) if (pieces := grams([word]))]
    best = []
    for word in asked:
        wanted = set(grams([word]))
        if wanted:
            near = (_likeness(word, other) for other, pieces in there if wanted & pieces)
            best.append(max(near, default=0.0))
    return sum(best) / len(best) if best else 0.0


def _likeness(word: str, other: str) -> float:
    likeness = SequenceMatcher(None, word, other, autojunk=False).ratio()
    return likeness if likeness >= ALIKE else 0.0


def _runs(text: str) -> Iterable[tuple[str, bool]]:
    for word in _WORD.findall(text.lower()) if text.isascii() else _folded(text).split():
        if word.isascii():
            yield word, False
            continue
        for number, piece in enumerate(_PIECES.split(word)):
            if piece:
                yield piece, number % 2 == 1


def _folded(text: str) -> str:
    """Words without case and accents, with spaces between them."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    bare = unicodedata.normalize("NFC", "".join(c for c in spread if not "\u0300" <= c <= "\u036f"))
    # Vowel signs are no letters, and a word of many scripts would end at each.
    return "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in bare)


def _pairs(run: str) -> list[str]:
    """What stands side by side: where no spaces are set, that is the nearest to words."""
    return [run[at : at + 2] for at in range(len(run) - 1)]
