"""The order of what was found: by words, by vectors, by both, and the newer of equals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DEPTH", "SLACK", "by_strength", "fused"]

DEPTH = 100
"""How many of each ranking are merged."""
SLACK = 20
"""How many more than asked for are looked at for newer ones of about the same strength."""
RANK = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher, 2009)."""
RECENT = 0.02
"""The part of a score that age decides."""
HALF = 30 * 86_400.0
"""The age, in seconds, at which half of that part is gone."""

CREATED = 7
"""The column of a row that says when a memory was made."""


def by_strength(
    found: Sequence[tuple[float, Sequence[Any]]], now: float
) -> list[tuple[float, Sequence[Any]]]:
    """Scores and rows, best first; scores are relative to the strongest."""
    if not found:
        return []
    strongest = max(strength for strength, _ in found)
    return _sorted([(strength / strongest, row) for strength, row in found], now)


def fused(
    by_words: Sequence[Sequence[Any]], by_vector: Sequence[Sequence[Any]], now: float
) -> list[tuple[float, Sequence[Any]]]:
    """Scores and rows of two rankings; 1 is what is first in both."""
    scores: dict[Any, float] = {}
    rows: dict[Any, Sequence[Any]] = {}
    for ranking in (by_words, by_vector):
        for rank, row in enumerate(ranking, 1):
            rows[row[0]] = row
            scores[row[0]] = scores.get(row[0], 0.0) + (RANK + 1) / (RANK + rank) / 2
    return _sorted([(score, rows[number]) for number, score in scores.items()], now)


def _sorted(
    found: list[tuple[float, Sequence[Any]]], now: float
) -> list[tuple[float, Sequence[Any]]]:
    aged = [
        (relevance * (1 - RECENT) + RECENT * 0.5 ** (max(0.0, now - row[CREATED]) / HALF), row)
        for relevance, row in found
    ]
    # Python's sort is stable: of equals, what was nearer before stays so.
    return sorted(aged, key=lambda one: -one[0])
