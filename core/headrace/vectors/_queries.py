"""What is asked of a vector store: one object, the same for all stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from headrace.filters import check_filter, matches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from headrace.vectors._items import VectorItem

__all__ = ["MODES", "Mode", "VectorQuery", "fused", "narrowed"]

Mode: TypeAlias = Literal["vector", "keyword", "hybrid"]
"""How items are found."""
MODES: tuple[Mode, ...] = get_args(Mode)

_RANK = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher, 2009)."""


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """What is asked of a vector store.

    ::

        VectorQuery("a pump that leaks", limit=3, where={"lang": "en"})
        VectorQuery(vector=[0.1, 0.7], where={"$not": {"draft": True}})
        VectorQuery("gasket 40-17", mode="hybrid")

    Raises:
        ValueError: It cannot be asked; with all that is wrong.
    """

    text: str | None = None
    """What is looked for. A store with an embedder finds its vector itself."""
    limit: int = 5
    """How many items at most; below one, none."""
    vector: Sequence[float] | None = None
    """The vector that is looked for; then no embedder is asked."""
    where: Mapping[str, Any] | None = None
    """Conditions on the metadata (``headrace.filters``); they come before the limit."""
    mode: Mode = "vector"
    """``vector``: by the nearness of vectors; the score is the cosine.

    ``keyword``: by the words of ``text``, those with more and rarer ones first; the score is
    relative to the best, which has 1.

    ``hybrid``: by both, merged by their ranks; the score is 1 for what is first in both.
    """
    collection: str | None = None
    """Which collection; the store's own where ``None``."""
    native: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the store's own, such as how hard an index looks."""

    def __post_init__(self) -> None:
        faults = []
        if self.mode not in MODES:
            faults.append(f"mode must be one of {', '.join(MODES)}, not {self.mode!r}")
        text: Any = self.text
        native: Any = self.native
        if text is not None and not isinstance(text, str):
            faults.append("text must be a text")
        if self.mode in {"keyword", "hybrid"} and self.text is None:
            faults.append(f"a {self.mode} search needs a text")
        if self.mode == "keyword" and self.vector is not None:
            faults.append("a keyword search takes no vector: leave it out, or search hybrid")
        if self.mode == "vector" and self.text is None and self.vector is None:
            faults.append("a text or a vector must be given")
        if not isinstance(self.limit, int) or isinstance(self.limit, bool):
            faults.append(f"limit must be a whole number, not {self.limit!r}")
        if not isinstance(native, Mapping):
            faults.append("native must be a mapping")
        try:
            check_filter(self.where)
        except ValueError as error:
            faults.append(str(error))
        if faults:
            raise ValueError("; ".join(faults))


def fused(rankings: Sequence[Sequence[VectorItem]], limit: int) -> list[VectorItem]:
    """Several rankings as one, by the ranks that items have in them; 1 is first in all."""
    scores: dict[str, float] = {}
    items: dict[str, VectorItem] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            scores[item["id"]] = scores.get(item["id"], 0.0) + 1 / (_RANK + rank)
            items[item["id"]] = item
    best = sorted(scores, key=lambda name: -scores[name])[:limit]
    for name in best:
        items[name]["score"] = scores[name] * (_RANK + 1) / len(rankings)
    return [items[name] for name in best]


async def narrowed(
    nearest: Callable[[int], Awaitable[list[VectorItem]]],
    limit: int,
    where: Mapping[str, Any] | None,
) -> list[VectorItem]:
    """What fulfils a condition, from a store that cannot ask for it: more and more is looked at.

    A condition that few items fulfil makes it look at all of them.

    Args:
        nearest: Gives so many of the nearest, best first; fewer only where there are no more.
        limit: How many are wanted.
        where: The condition.
    """
    if not where:
        return await nearest(limit)
    asked = 4 * limit
    while True:
        found = await nearest(asked)
        fitting = [item for item in found if matches(where, item["metadata"])]
        if len(fitting) >= limit or len(found) < asked:
            return fitting[:limit]
        asked *= 8
