"""Collections, changes, texts and words: the part of the conformance class that is about these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headrace.interfaces import EmbeddingModel
from headrace.testing._vector_facts import HOSTILE, item, names
from headrace.testing._vector_keeping import KeepingVectors
from headrace.vectors import VectorQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.vectors import VectorStore

__all__ = ["FindingWords"]

_TEXTS = {
    "pumps": "A pump that leaks needs a new gasket",
    "boilers": "A boiler is inspected in spring",
    "seals": "The gasket of the boiler is of rubber",
    "roofs": "Snow is shovelled from the roof",
}
_VECTORS = {"pumps": [1, 0, 0], "boilers": [0, 1, 0], "seals": [0, 1, 0.5], "roofs": [0, 0, 1]}

_NO_NAMES = [name for name in HOSTILE if name not in {"a.b", "NULL"}]


class FindingWords(KeepingVectors):
    """The tests of collections, changes and searches by words."""

    # ------------------------------------------------------------ collections
    def test_reading_a_collection_that_is_not_there_makes_nothing(self, stores: Any) -> None:
        """If this fails: a slip in a name leaves a collection behind, or raises."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item("a", [1, 0, 0])], collection="there")
            await store.delete(["a"], collection="slip")
            found: list[Any] = [
                await store.count(collection="slip"),
                await store.get(["a"], collection="slip"),
                await store.query(VectorQuery(vector=[1, 0, 0], collection="slip")),
                await store.update([{"id": "a", "metadata": {}}], collection="slip"),
            ]
            if "keyword" in store.modes:
                words = VectorQuery("words", mode="keyword", collection="slip")
                found.append(await store.query(words))
            there = await store.collections()
            await store.drop_collection("slip")
            return found, there, await store.collections()

        found, there, after = self.using(stores, talk)

        assert found[:4] == [0, [], [], []]
        assert found[4:] in ([], [[]])
        assert (there, after) == (["there"], ["there"])

    def test_an_empty_store_has_no_collection(self, stores: Any) -> None:
        """If this fails: opening a store makes something that nobody asked for."""

        async def talk(store: VectorStore) -> Any:
            return await store.collections()

        assert self.using(stores, talk) == []

    def test_collections_are_made_listed_and_dropped(self, stores: Any) -> None:
        """If this fails: what an agent has indexed cannot be put aside for a new index."""

        async def talk(store: VectorStore) -> Any:
            await store.create_collection("new.1", 3)
            await store.create_collection("new.1", 3)
            await store.create_collection("A-b_c", 2)
            await store.add([item("a", [1, 0, 0])])
            before = await store.collections(), await store.count(collection="new.1")
            await store.drop_collection("A-b_c")
            await store.drop_collection("items")
            return before, await store.collections(), await store.count()

        before, after, count = self.using(stores, talk)

        assert before == (["A-b_c", "items", "new.1"], 0)
        assert (after, count) == (["new.1"], 0)

    def test_a_collection_that_is_made_has_its_length(self, stores: Any) -> None:
        """If this fails: the first item decides what the project has decided already."""

        async def talk(store: VectorStore) -> Any:
            await store.create_collection("made", 3)
            with pytest.raises(ValueError, match=r"."):
                await store.add([item("a", [1, 0])], collection="made")
            with pytest.raises(ValueError, match="3 numbers"):
                await store.create_collection("made", 2)
            return await store.count(collection="made")

        assert self.using(stores, talk) == 0

    def test_a_collection_that_was_dropped_may_be_another(self, stores: Any) -> None:
        """If this fails: what was dropped is found again, or its length stays."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item("a", [1, 0, 0], text="old words")])
            await store.drop_collection("items")
            gone = await store.get(["a"])
            await store.add([item("b", [1, 0], text="new words")])
            return gone, names(await store.query(VectorQuery(vector=[1, 0])))

        assert self.using(stores, talk) == ([], ["b"])

    def test_another_store_object_sees_what_was_made_and_dropped(self, stores: Any) -> None:
        """If this fails: workers on one store contradict each other."""
        if not self.persists:
            pytest.skip("each object has a store of its own")

        async def talk(one: VectorStore, other: VectorStore) -> Any:
            await one.add([item("a", [1, 0, 0])], collection="both")
            seen = await other.count(collection="both")
            await other.drop_collection("both")
            gone = await one.count(collection="both")
            await other.add([item("b", [1, 0])], collection="both")
            await one.add([item("c", [0, 1])], collection="both")
            found = await one.query(VectorQuery(vector=[1, 0], collection="both"))
            return seen, gone, names(found)

        assert self.using(stores, talk, "one", "other") == (1, 0, ["b", "c"])

    @pytest.mark.parametrize("name", [*_NO_NAMES, "", "x" * 200, 7], ids=ascii)
    def test_a_call_names_no_collection_that_cannot_be(self, stores: Any, name: Any) -> None:
        """If this fails: a name out of an input reaches something that is no collection."""

        async def talk(store: VectorStore) -> None:
            with pytest.raises(ValueError, match="collection"):
                await store.count(collection=name)
            with pytest.raises(ValueError, match="collection"):
                await store.query(VectorQuery(vector=[1, 0, 0], collection=name))

        self.using(stores, talk)

    # ------------------------------------------------------------ changes
    def test_an_update_changes_what_is_given_and_nothing_else(self, stores: Any) -> None:
        """If this fails: a change loses what it does not mention."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item(name, [1, 0, 0], metadata={"v": 1, "w": 2}) for name in "abc"])
            changed = await store.update(
                [
                    {"id": "b", "text": "new", "vector": [0, 1, 0]},
                    {"id": "missing", "metadata": {"v": 2}},
                    {"id": "a", "metadata": {"v": 2}},
                ]
            )
            by_old = VectorQuery(vector=[1, 0, 0], where={"w": 2})
            by_new = VectorQuery(vector=[1, 0, 0], where={"v": 2})
            return (
                changed,
                [(one["text"], one["metadata"]) for one in await store.get(["a", "b"])],
                {one["id"]: round(one["score"], 5) for one in await store.query(by_old)},
                {one["id"]: round(one["score"], 5) for one in await store.query(by_new)},
                await store.count(),
            )

        changed, kept, by_old, by_new, count = self.using(stores, talk)

        assert changed == ["b", "a"]
        assert kept == [("text", {"v": 2}), ("new", {"v": 1, "w": 2})]
        assert (by_old, by_new, count) == ({"c": 1, "b": 0}, {"a": 1}, 3)

    @pytest.mark.parametrize(
        "bad",
        [
            {"id": "b", "text": "its vector is another's"},
            {"id": "b", "vector": [1, 0]},
            {"id": "b", "vector": [0, 0, 0]},
            {"id": "b", "metadata": {"a": float("nan")}},
            {"id": "", "metadata": {}},
        ],
        ids=ascii,
    )
    def test_an_update_that_cannot_be_changes_nothing(self, stores: Any, bad: Any) -> None:
        """If this fails: half of a change is kept."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item(name, [1, 0, 0], metadata={"v": 1}) for name in "ab"])
            with pytest.raises(ValueError, match=r"."):
                await store.update([{"id": "a", "metadata": {"v": 2}}, bad])
            return [one["metadata"] for one in await store.get(["a", "b"])]

        assert self.using(stores, talk) == [{"v": 1}, {"v": 1}]

    # ------------------------------------------------------------ texts
    def test_a_text_is_embedded_where_the_store_has_an_embedder(self, stores: Any) -> None:
        """If this fails: an agent has to embed by hand what the store could."""

        async def talk(store: VectorStore) -> Any:
            store.embedder, store.resource_lookup = "letters", _lookup
            await store.add([{"id": text, "text": text} for text in ("aab", "bbc", "ccc")])
            found = names(await store.query(VectorQuery("ab", limit=1)))
            await store.update([{"id": "ccc", "text": "ab"}])
            return found, names(await store.query(VectorQuery("ba", limit=2)))

        assert self.using(stores, talk) == (["aab"], ["ccc", "aab"])

    def test_a_text_that_nobody_embeds_is_refused(self, stores: Any) -> None:
        """If this fails: a search by a text finds what a vector of nothing finds."""

        async def talk(store: VectorStore) -> None:
            with pytest.raises(ValueError, match="embedder"):
                await store.query(VectorQuery("a text"))

        self.using(stores, talk)

    # ------------------------------------------------------------ words
    def test_a_text_with_any_of_the_words_is_found(self, stores: Any) -> None:
        """If this fails: one word too many finds nothing."""
        found = self.by_words(stores, VectorQuery("GASKET, boiler?", mode="keyword"))

        assert found[:1] == ["seals"]
        assert {*found} == {"seals", "pumps", "boilers"}

    def test_the_score_of_the_best_text_is_one(self, stores: Any) -> None:
        """If this fails: scores of words cannot be told from each other."""

        async def talk(store: VectorStore) -> Any:
            return await store.query(VectorQuery("gasket boiler", mode="keyword"))

        scores = [one["score"] for one in self.with_texts(stores, talk)]

        assert scores[0] == pytest.approx(1)
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 1.0001 for score in scores)

    def test_words_come_with_conditions_and_a_limit(self, stores: Any) -> None:
        """If this fails: a search by words shows what is not to be shown."""
        asked = VectorQuery("gasket boiler", mode="keyword", where={"$not": {"id": "seals"}})

        assert {*self.by_words(stores, asked)} == {"pumps", "boilers"}
        assert self.by_words(stores, VectorQuery("gasket boiler", 1, mode="keyword")) == ["seals"]

    @pytest.mark.parametrize("words", ["", "?!", "zeppelin", '"', "' OR 1", "NEAR(", "a*) NOT ("])
    def test_words_are_only_words(self, stores: Any, words: str) -> None:
        """If this fails: a question is taken for the language of the index."""

        async def talk(store: VectorStore) -> Any:
            return await store.query(VectorQuery(f"{words} gasket", mode="keyword"))

        assert {one["id"] for one in self.with_texts(stores, talk)} >= {"pumps", "seals"}

    def test_no_word_finds_nothing(self, stores: Any) -> None:
        """If this fails: a question of signs finds anything."""
        assert self.by_words(stores, VectorQuery("?! --", mode="keyword")) == []
        assert self.by_words(stores, VectorQuery("zeppelin", mode="keyword")) == []

    def test_words_follow_the_texts(self, stores: Any) -> None:
        """If this fails: a text is found by words that it no longer has."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item("roofs", [0, 0, 1], text="The gasket of the roof")])
            await store.update([{"id": "pumps", "text": "A valve", "vector": [1, 0, 0]}])
            await store.delete(["seals"])
            return (
                names(await store.query(VectorQuery("gasket", mode="keyword"))),
                names(await store.query(VectorQuery("snow rubber", mode="keyword"))),
                names(await store.query(VectorQuery("valve", mode="keyword"))),
            )

        assert self.with_texts(stores, talk) == (["roofs"], [], ["pumps"])

    def test_what_is_near_and_has_the_words_is_found_first(self, stores: Any) -> None:
        """If this fails: searching by both is worse than by one."""

        async def talk(store: VectorStore) -> Any:
            asked = VectorQuery("gasket", vector=[0, 1, 0.4], mode="hybrid", limit=3)
            return await store.query(asked)

        found = self.with_texts(stores, talk)

        assert names(found)[0] == "seals"
        assert {*names(found)} == {"seals", "pumps", "boilers"}
        assert all(0 < one["score"] <= 1 for one in found)

    def test_a_way_of_searching_that_the_store_has_not_is_refused(self, stores: Any) -> None:
        """If this fails: what is found is not what was asked for, and nobody is told."""

        async def talk(store: VectorStore) -> Any:
            refused = set()
            for mode in ("vector", "keyword", "hybrid"):
                vector = None if mode == "keyword" else [1, 0, 0]
                try:
                    await store.query(VectorQuery("words", vector=vector, mode=mode))
                except ValueError:
                    refused.add(mode)
            return refused, store.modes

        refused, can = self.using(stores, talk)

        assert refused == {"vector", "keyword", "hybrid"} - can

    # ------------------------------------------------------------ helpers
    def with_texts(self, stores: Any, talk: Any) -> Any:
        """Runs ``talk`` with a store that has some texts, where it searches by words."""
        if not {"keyword", "hybrid"} <= type(stores("items")).modes:
            pytest.skip("the store does not search by words")

        async def filled(store: VectorStore) -> Any:
            await store.add(
                [
                    item(name, _VECTORS[name], text=text, metadata={"id": name})
                    for name, text in _TEXTS.items()
                ]
            )
            return await talk(store)

        return self.using(stores, filled)

    def by_words(self, stores: Any, query: VectorQuery) -> list[str]:
        """The names of the texts that are found, best first."""

        async def talk(store: VectorStore) -> Any:
            return names(await store.query(query))

        found: list[str] = self.with_texts(stores, talk)
        return found


class _Letters(EmbeddingModel):
    """Vectors of how often a text has the letters a, b and c."""

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [[float(text.count(letter)) for letter in "abc"] for text in texts]


async def _lookup(_kind: str, _name: str) -> Any:
    return _Letters()
