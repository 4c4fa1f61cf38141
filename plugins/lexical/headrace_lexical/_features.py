"""From a text to a vector: each word is a few hashed features, and a text is the sum of its words.

Only operations that IEEE 754 rounds in one way are used (no logarithm, for one), and a hash that
is the same everywhere: a vector is the same to the last bit on every machine.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from hashlib import blake2b
from operator import mul

from headrace_lexical._words import is_unspaced, words

__all__ = ["vector_of"]

_SHORTEST_PART = 3
_LONGEST_PART = 5
_FULL_LENGTH = 8
"""Characters from which on a word counts fully. The shorter a word, the commoner it is, in every
language that was looked at (Zipf's law of abbreviation): this stands in for a count of how many
texts a word is in, which a model that sees one text at a time cannot have."""
_CHARACTER = 0.25
"""What one character of a writing without spaces counts, beside its pairs."""
_KEPT = 8192
"""Words that are remembered with their features: some 18 MB."""


def vector_of(text: str, dimensions: int) -> list[float]:
    """The vector of a text, of length 1.

    A text without words has a vector of its own: stores take none without a direction.
    """
    vector = [0.0] * dimensions
    for unit, count in Counter(_units(text)).items():
        often = math.sqrt(count)
        for place, value in _features(unit, dimensions):
            vector[place] += often * value
    # Not sum: it rounds in another way from Python 3.12 on.
    length = math.sqrt(math.fsum(map(mul, vector, vector)))
    if length == 0:  # no words, or words that cancel each other out
        place, _ = _hashed("nothing", "", dimensions)
        vector[place] = length = 1.0
    return [value / length for value in vector]


def _units(text: str) -> list[str]:
    """The words; of writings without spaces, the characters and their pairs."""
    units = []
    for word in words(text):
        if is_unspaced(word):
            units += [*word, *(word[at : at + 2] for at in range(len(word) - 1))]
        else:
            units.append(word)
    return units


@lru_cache(maxsize=_KEPT)
def _features(unit: str, dimensions: int) -> tuple[tuple[int, float], ...]:
    """The features of a word: their places, and how much each counts.

    Half of it is the word itself, half its parts, by the squares that similarity adds up.
    """
    if is_unspaced(unit):
        weight = _CHARACTER if len(unit) == 1 else 1.0
        place, sign = _hashed("word", unit, dimensions)
        return ((place, sign * weight),)
    known = any(character.isdigit() for character in unit)
    weight = 1.0 if known else min(len(unit), _FULL_LENGTH) / _FULL_LENGTH
    place, sign = _hashed("word", unit, dimensions)
    found = [(place, sign * weight)]
    parts = _parts(f"<{unit}>")
    share = weight / math.sqrt(len(parts))
    for part in parts:
        place, sign = _hashed("part", part, dimensions)
        found.append((place, sign * share))
    return tuple(found)


def _parts(word: str) -> list[str]:
    """The runs of three to five characters of a word with its ends marked."""
    return [
        word[begin : begin + size]
        for size in range(_SHORTEST_PART, _LONGEST_PART + 1)
        for begin in range(len(word) - size + 1)
    ]


def _hashed(kind: str, text: str, dimensions: int) -> tuple[int, float]:
    """The place of a feature and its sign, of 64 bits of BLAKE2b: the first of them is the sign."""
    digest = blake2b(f"{kind} {text}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    value = int.from_bytes(digest, "big")
    return (value & (2**63 - 1)) % dimensions, -1.0 if value >> 63 else 1.0
