"""The first stage of disclosure: which skills a model is told of before it asks for one.

Where all names and descriptions fit the budget, all are listed, in a text that stays the same.
Where they do not, that text only says that there are more; those nearest to a request are listed
with it, and ``find_skills`` reaches the others.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from headrace_skills._prompt import describe_many, describe_nearest, describe_skills
from headrace_skills.index import SkillIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.interfaces import EmbeddingModel
    from headrace_skills._model import Skill
    from headrace_skills.nearness import Nearness

__all__ = ["Disclosure", "estimate_tokens"]

NEAREST = 10
"""Skills that are listed with a request, at most."""
_RANKED = 50  # of each of the two rankings, where there are two
# Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009). Their constant of 60 is for many
# rankings of one kind; with these two it lets the middle of both overtake the top of one.
_FUSION, _OF_WORDS = 1, 0.5


def estimate_tokens(text: str) -> int:
    """Tokens of a text, as a rule of thumb: a token for every four bytes of UTF-8.

    No tokenizer is asked: each model has its own, and a budget needs no more.
    """
    return -(-len(text.encode("utf-8", "replace")) // 4)


class Disclosure:
    """What a model is told of skills before it asks.

    Args:
        skills: All that it may use.
        tokens: The budget of a listing, in tokens (``estimate_tokens``).
    """

    def __init__(self, skills: Sequence[Skill], tokens: int) -> None:
        self._skills = tuple(skills)
        self._tokens = tokens
        listing = describe_skills(self._skills)
        self.lists_all = estimate_tokens(listing) <= tokens
        """Whether all skills are listed, so that nothing need be searched."""
        self.instructions = listing if self.lists_all else describe_many(len(self._skills))
        """The text that stays the same."""
        self._index: SkillIndex | None = None
        self._nearness: Nearness | None = None

    async def open(self, embedder: EmbeddingModel | None) -> None:
        """Builds what is searched, where something has to be.

        Args:
            embedder: What tells how near texts are by their meaning; None: by their words only.
        """
        if self.lists_all:
            return
        self._index = await asyncio.to_thread(SkillIndex, self._skills)
        if embedder is not None:
            from headrace_skills.nearness import Nearness  # it needs numpy

            self._nearness = await Nearness.of(self._skills, embedder)

    def close(self) -> None:
        """Gives the memory back."""
        if self._index is not None:
            self._index.close()
        self._index = self._nearness = None

    async def nearest(self, request: str, limit: int) -> list[Skill]:
        """The skills that are nearest to a request, best first."""
        if self._index is None:
            return list(self._skills[:limit])
        if self._nearness is None:
            found = await asyncio.to_thread(self._index.search, request, limit)
            return [one.skill for one in found]
        by_words = await asyncio.to_thread(self._index.search, request, _RANKED)
        by_meaning = await self._nearness.search(request, _RANKED)
        scores: dict[str, float] = {}
        rankings = (
            (_OF_WORDS, [one.skill.name for one in by_words]),
            (1.0, [one.name for one in by_meaning]),
        )
        for weight, ranking in rankings:
            for rank, name in enumerate(ranking, 1):
                scores[name] = scores.get(name, 0.0) + weight / (_FUSION + rank)
        named = {one.name: one for one in (*(one.skill for one in by_words), *by_meaning)}
        best = sorted(scores, key=lambda name: (-scores[name], name))
        return [named[name] for name in best[:limit]]

    async def suggest(self, request: str) -> tuple[str, list[Skill]]:
        """The text that goes with one request, in the budget, and the skills that it lists."""
        near = await self.nearest(request, NEAREST)
        while near and estimate_tokens(describe_nearest(near)) > self._tokens:
            near.pop()
        return describe_nearest(near), near
