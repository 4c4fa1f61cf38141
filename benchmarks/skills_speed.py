"""Skills: reading and searching 10,000 of them, and what a sandbox costs for each call."""

from __future__ import annotations

import sandbox_cost
import skill_search
from figures import Figure

__all__ = ["measure"]

MOST = 10_000


def measure(*, quick: bool) -> list[Figure]:
    """The figures; recall has no yardstick but the whole."""
    rows = skill_search.measure((100, 1_000) if quick else (100, MOST))
    few, many = rows
    count = f"{many['skills']:,} skills"
    return [
        Figure(f"{count}, found and read", many["read_s"], "s", "10 s", 10, None),
        Figure(f"{count}, indexed", many["index_s"], "s", "2 s", 2, 1, higher_is_better=False),
        Figure(
            f"{count}, a request, p50",
            many["query_p50_ms"],
            "ms",
            "10 ms",
            10,
            1,
            higher_is_better=False,
        ),
        *(
            Figure(
                f"{row['skills']:,} skills, recall@5, {how}",
                row[f"recall_at_5_{kind}"],
                "of 1",
                "all",
                1,
                None,
            )
            for row in (few, many)
            for kind, how in (("own_words", "its own words"), ("other_words", "other words"))
        ),
        Figure(
            f"{count}, tokens told for a request",
            many["tokens_told"],
            "tokens",
            "names and descriptions of all",
            many["tokens_of_all"],
            None,
        ),
        *sandbox_cost.measure(quick=quick),
    ]
