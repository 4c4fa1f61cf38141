"""The part of the conformance class of memories that is about what is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace.filters import matches
from headrace.testing._memory_facts import (
    ADA,
    BOB,
    CONDITIONS,
    FACTS,
    FILLERS,
    METADATA,
    QUERIES,
    WRITINGS,
)
from headrace.testing._memory_life import MemoryLifeSuite, ids, texts

if TYPE_CHECKING:
    from headrace.interfaces import MemoryBackend
    from headrace.testing._memory_life import Make

__all__ = ["MemorySearchSuite"]


class MemorySearchSuite(MemoryLifeSuite):
    """What a search finds, in which order, and under which conditions."""

    # ------------------------------------------------------------ searching
    def test_the_obvious_memory_is_found_among_200(self, make: Make) -> None:
        """If this fails: searching finds something else."""

        async def talk(memory: MemoryBackend) -> Any:
            for number, text in enumerate([*FILLERS, *FACTS.values()]):
                await memory.add(ADA, f"m-{number}", text, {})
            return {query: texts(await memory.search(ADA, query, 5)) for query in FACTS}

        found = self.using(make, talk)

        missed = {query: found[query] for query, text in FACTS.items() if text not in found[query]}
        assert not missed

    @pytest.mark.parametrize("query", list(WRITINGS))
    def test_accents_and_scripts_are_found(self, make: Make, query: str) -> None:
        """If this fails: searching works for English only."""

        async def talk(memory: MemoryBackend) -> Any:
            for number, text in enumerate([*dict.fromkeys(WRITINGS.values()), *FILLERS[:20]]):
                await memory.add(ADA, f"m-{number}", text, {})
            return texts(await memory.search(ADA, query, 3))

        assert WRITINGS[query] in self.using(make, talk)

    def test_the_best_comes_first_and_scores_say_so(self, make: Make) -> None:
        """If this fails: who takes the first takes a worse one."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "The harbour is far away.", {})
            await memory.add(ADA, "m-2", "Green tea is best from the harbour shop.", {})
            await memory.add(ADA, "m-3", "Somebody painted the fence.", {})
            return await memory.search(ADA, "green tea from the harbour shop", 3)

        found = self.using(make, talk)

        scores = [item["score"] for item in found]
        assert found[0]["id"] == "m-2"
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)

    def test_no_more_are_found_than_asked_for(self, make: Make) -> None:
        """If this fails: a prompt overflows."""

        async def talk(memory: MemoryBackend) -> Any:
            for number in range(12):
                await memory.add(ADA, f"m-{number}", f"The parcel number {number} came.", {})
            return [len(await memory.search(ADA, "parcel", limit)) for limit in (0, 1, 5, 50)]

        assert self.using(make, talk) == [0, 1, 5, 12]

    @pytest.mark.parametrize("query", QUERIES, ids=map(str, range(len(QUERIES))))
    def test_any_text_may_be_asked(self, make: Make, query: str) -> None:
        """If this fails: what a user types is taken for a language, or fails the run."""

        async def talk(memory: MemoryBackend) -> Any:
            await memory.add(ADA, "m-1", "Tea, not coffee.", {})
            await memory.add(BOB, "m-2", "Tea, not coffee.", {})
            return await memory.search(ADA, query, 5)

        assert set(ids(self.using(make, talk))) <= {"m-1"}

    def test_conditions_hold_as_headrace_filters_says(self, make: Make) -> None:
        """If this fails: a condition means one thing here and another there."""

        async def talk(memory: MemoryBackend) -> Any:
            for number, metadata in enumerate(METADATA):
                await memory.add(ADA, f"m-{number}", f"The parcel number {number}.", metadata)
            return [
                sorted(ids(await memory.search(ADA, "parcel", 20, where=where)))
                for where in CONDITIONS
            ]

        found = self.using(make, talk)

        for where, seen in zip(CONDITIONS, found, strict=True):
            wanted = [f"m-{n}" for n, held in enumerate(METADATA) if matches(where, held)]
            assert seen == wanted, where

    def test_a_condition_does_not_shorten_what_is_found(self, make: Make) -> None:
        """If this fails: a condition is applied to the first few that were found."""

        async def talk(memory: MemoryBackend) -> Any:
            for number in range(150):
                rare = {"rare": number % 50 == 49}
                await memory.add(ADA, f"m-{number}", f"The parcel number {number}.", rare)
            return await memory.search(ADA, "parcel", 3, where={"rare": True})

        assert len(self.using(make, talk)) == 3

    def test_what_is_no_condition_is_refused(self, make: Make) -> None:
        """If this fails: a mistyped condition finds everything, or nothing."""
        with pytest.raises(ValueError, match="like"):
            self.using(
                make, lambda memory: memory.search(ADA, "tea", 5, where={"lang": {"like": "d"}})
            )
