"""The conformance class of vector stores."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from headrace.filters import OPERATORS, features_of, matches
from headrace.testing._vector_facts import (
    condition,
    cosine,
    drawn,
    item,
    joined,
    metadata,
    names,
)
from headrace.testing._vector_words import FindingWords
from headrace.vectors import VectorQuery

if TYPE_CHECKING:
    from headrace.vectors import VectorItem, VectorStore

__all__ = ["VectorStoreSuite"]


class VectorStoreSuite(FindingWords):
    """What agents rely on in a vector store.

    ::

        class TestMyStore(VectorStoreSuite):
            @pytest.fixture
            def stores(self, tmp_path):
                return lambda collection: MyStore(tmp_path / "store", collection=collection)
    """

    exact = True
    """Whether the nearest are always found; where not, nine of ten must be."""

    # ------------------------------------------------------------ finding
    @pytest.mark.parametrize("limit", [1, 10, 300, 1000])
    def test_the_nearest_are_found_best_first(self, stores: Any, limit: int) -> None:
        """If this fails: what is found is not what is nearest; set ``exact`` if so by design."""
        draw = random.Random(limit)  # noqa: S311 - a seeded draw
        vectors = {f"v{n}": drawn(draw, 24) for n in range(300)}
        asked = drawn(draw, 24)

        async def talk(store: VectorStore) -> list[VectorItem]:
            await store.add([item(name, vector) for name, vector in vectors.items()])
            return await store.query(VectorQuery(vector=asked, limit=limit))

        found = self.using(stores, talk)

        exact = {name: cosine(asked, vector) for name, vector in vectors.items()}
        best = sorted(exact.values(), reverse=True)[:limit]
        scores = [exact[name] for name in names(found)]
        assert len({*names(found)}) == len(best)
        assert scores == pytest.approx(sorted(scores, reverse=True), abs=1e-5)
        assert [one["score"] for one in found] == pytest.approx(scores, abs=1e-5)
        if self.exact:
            assert scores == pytest.approx(best, abs=1e-5)
        assert sum(score >= best[-1] - 1e-5 for score in scores) >= 0.9 * len(best)

    def test_nearness_is_a_matter_of_direction_alone(self, stores: Any) -> None:
        """If this fails: long vectors win, or very large and very small numbers are lost."""
        scales = (1.0, 1e-300, 1e300, 1e-30, 1e30, 7)

        async def talk(store: VectorStore) -> Any:
            await store.add([item(str(n), [s, 0, -s]) for n, s in enumerate(scales)])
            return [await store.query(VectorQuery(vector=[s, 0, 0], limit=10)) for s in scales]

        for found in self.using(stores, talk):
            assert [one["score"] for one in found] == pytest.approx([0.5**0.5] * 6, abs=1e-6)

    def test_the_score_is_the_cosine(self, stores: Any) -> None:
        """If this fails: thresholds mean something else with each store."""

        async def talk(store: VectorStore) -> Any:
            vectors = {"same": [2, 0, 0], "half": [1, 3**0.5, 0], "none": [0, 5, 0]}
            await store.add([item(name, vector) for name, vector in vectors.items()])
            await store.add([item("opposite", [-1, 0, 0])])
            return await store.query(VectorQuery(vector=[1, 0, 0], limit=10))

        found = {one["id"]: one["score"] for one in self.using(stores, talk)}

        assert list(found) == ["same", "half", "none", "opposite"]
        assert [*found.values()] == pytest.approx([1, 0.5, 0, -1], abs=1e-6)

    @pytest.mark.parametrize(("limit", "count"), [(-1, 0), (0, 0), (2, 2), (10**12, 3)])
    def test_no_more_than_the_limit_are_found(self, stores: Any, limit: int, count: int) -> None:
        """If this fails: a prompt is given more than it has room for."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item(name, [1, 0, 0]) for name in "abc"])
            return await store.query(VectorQuery(vector=[1, 0, 0], limit=limit))

        assert len(self.using(stores, talk)) == count

    def test_the_condition_comes_before_the_limit(self, stores: Any) -> None:
        """If this fails: what is allowed is hidden behind nearer items that are not."""

        async def talk(store: VectorStore) -> Any:
            near = [item(f"near{n}", [1, n / 1e5, 0], metadata={"kind": 1}) for n in range(500)]
            far = [item(f"far{n}", [-1, n, 0], metadata={"kind": 2}) for n in (2, 1)]
            await store.add([*near, *far])
            return await store.query(VectorQuery(vector=[1, 0, 0], limit=10, where={"kind": 2}))

        assert names(self.using(stores, talk)) == ["far2", "far1"]

    @pytest.mark.parametrize("verb", [*OPERATORS, "all", "and", "or", "not", "joined"])
    def test_conditions_mean_the_same_as_in_python(self, stores: Any, verb: str) -> None:
        """If this fails: a condition finds what it should not, or not what it should.

        What the store says that it cannot do (``filters``) is left out here.
        """
        draw = random.Random(verb)  # noqa: S311 - a seeded draw
        kept = {f"v{n}": metadata(draw) for n in range(150)}
        can = type(stores("items")).filters
        asked = [where for _ in range(80) if features_of(where := _drawn(draw, verb)) <= can]

        async def talk(store: VectorStore) -> Any:
            await store.add([item(name, [1, 0, 0], metadata=m) for name, m in kept.items()])
            return [
                {*names(await store.query(VectorQuery(vector=[1, 0, 0], limit=150, where=where)))}
                for where in asked
            ]

        for where, found in zip(asked, self.using(stores, talk), strict=True):
            wanted = {name for name, m in kept.items() if matches(where, m)}
            differing = {name: kept[name] for name in wanted ^ found}
            assert not differing, f"{where}: {differing}"

    def test_a_condition_that_the_store_cannot_ask_is_refused(self, stores: Any) -> None:
        """If this fails: what is found is not what was asked for, and nobody is told."""
        asked: dict[str, dict[str, Any]] = {
            "equal": {"a": 1},
            "null": {"a": None},
            "numbers": {"a": {"lt": 1}},
            "texts": {"a": {"lt": "b"}},
            "or": {"$or": [{"a": 1}, {"b": 1}]},
            "not": {"$not": {"a": 1}},
        }

        async def talk(store: VectorStore) -> Any:
            await store.add([item("a", [1, 0, 0], metadata={"a": 1})])
            refused = set()
            for feature, where in asked.items():
                try:
                    await store.query(VectorQuery(vector=[1, 0, 0], where=where))
                except ValueError:
                    refused.add(feature)
            return refused, type(store).filters

        refused, can = self.using(stores, talk)

        assert refused == asked.keys() - can

    def test_an_argument_that_the_store_does_not_have_is_refused(self, stores: Any) -> None:
        """If this fails: a slip in the name of an argument changes nothing, in silence."""

        async def talk(store: VectorStore) -> None:
            with pytest.raises(ValueError, match="native"):
                await store.query(VectorQuery(vector=[1, 0, 0], native={"no_such_argument": 1}))

        self.using(stores, talk)

    # ------------------------------------------------------------ many at a time, and its life
    def test_sixty_four_adds_and_searches_at_a_time_lose_nothing(self, stores: Any) -> None:
        """If this fails: one store object cannot serve many runs."""

        async def talk(store: VectorStore) -> Any:
            async def one(n: int) -> bool:
                await store.add([item(f"{n}-{part}", [1, n, part]) for part in range(5)])
                found = await store.query(VectorQuery(vector=[1, n, 0], limit=1000))
                return {f"{n}-{part}" for part in range(5)} <= {*names(found)}

            seen = await asyncio.gather(*(one(n) for n in range(64)))
            ids = [f"{n}-{part}" for n in range(64) for part in range(5)]
            return all(seen), names(await store.get(ids)) == ids, await store.count()

        assert self.using(stores, talk) == (True, True, 320)

    def test_sixty_four_adds_of_one_id_leave_one_whole_item(self, stores: Any) -> None:
        """If this fails: an item is made of two."""

        async def talk(store: VectorStore) -> Any:
            await asyncio.gather(
                *(
                    store.add([item("a", [1, n, 0], text=str(n), metadata={"n": n})])
                    for n in range(64)
                )
            )
            [found] = await store.query(VectorQuery(vector=[1, 0, 0], limit=100))
            return found

        found = self.using(stores, talk)

        n = found["metadata"]["n"]
        assert found["text"] == str(n)
        assert found["score"] == pytest.approx(cosine([1, 0, 0], [1, n, 0]), abs=1e-5)

    def test_a_cancelled_add_leaves_all_or_nothing(self, stores: Any) -> None:
        """If this fails: a time-out of one run leaves half of its items, or breaks the others."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item("before", [1, 0, 0])])
            first = asyncio.ensure_future(store.add([item(f"{n}", [1, n, 0]) for n in range(200)]))
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await store.add([item("after", [1, 0, 0])])
            return await store.count()

        assert self.using(stores, talk) in {2, 202}

    def test_what_was_kept_is_there_when_the_store_is_opened_again(self, stores: Any) -> None:
        """If this fails: a restart forgets; set ``persists`` if so by design."""
        if not self.persists:
            pytest.skip("the store keeps nothing beyond its closing")

        async def before(store: VectorStore) -> None:
            await store.add([item("a", [1, 0, 0], text="kept", metadata={"v": 1.5})])

        async def after(store: VectorStore) -> Any:
            with pytest.raises(ValueError, match=r"."):
                await store.add([item("b", [1, 0])])
            return await store.query(VectorQuery(vector=[1, 0, 0], limit=5, where={"v": 1.5}))

        self.using(stores, before)

        assert [found["text"] for found in self.using(stores, after)] == ["kept"]

    def test_closing_twice_is_harmless(self, stores: Any) -> None:
        """If this fails: the end of a worker raises."""

        async def talk(store: VectorStore) -> None:
            await store.add([item("a", [1, 0, 0])])
            await store.close()

        self.using(stores, talk)


def _drawn(draw: random.Random, verb: str) -> dict[str, Any]:
    if verb == "all":
        return condition(draw, OPERATORS)
    if verb in OPERATORS:
        return condition(draw, [verb])
    return joined(draw, OPERATORS, ["and", "or", "not"] if verb == "joined" else [verb])
