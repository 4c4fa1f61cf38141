"""What stores keep and what they refuse: the half of the conformance class without searching."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from headrace.errors import ResourceError
from headrace.testing._suite import Suite
from headrace.testing._vector_facts import (
    BAD_VECTORS,
    HOSTILE,
    METADATA,
    UNSTORABLE,
    UNSTORABLE_METADATA,
    item,
    names,
)
from headrace.vectors import VectorQuery

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headrace.vectors import VectorItem, VectorStore

__all__ = ["KeepingVectors"]


class KeepingVectors(Suite):
    """The tests of keeping, deleting and refusing."""

    persists = True
    """Whether a store that is opened again, for the same collection, has what it had."""

    @pytest.fixture
    def stores(self) -> Callable[[str], VectorStore]:
        """Makes stores of collections, not yet open and empty at first; to be overridden."""
        raise NotImplementedError("override the fixture `stores`")

    # ------------------------------------------------------------ keeping
    def test_an_item_is_given_back_by_its_id(self, stores: Any) -> None:
        """If this fails: a store does not even keep."""

        async def talk(store: VectorStore) -> list[VectorItem]:
            await store.add([item("a", [1, 0, 0], text="Rain.", metadata={"city": "Bern"})])
            return await store.get(["a"])

        [found] = self.using(stores, talk)

        assert (found["id"], found["text"], found["metadata"]) == ("a", "Rain.", {"city": "Bern"})

    def test_an_empty_store_answers(self, stores: Any) -> None:
        """If this fails: the first search of a new agent raises."""

        async def talk(store: VectorStore) -> Any:
            await store.add([])
            await store.delete(["a"])
            return [
                await store.count(),
                await store.get(["a"]),
                await store.get([]),
                await store.query(VectorQuery(vector=[1, 2, 3], limit=5)),
                await store.query(VectorQuery(vector=[1, 2], limit=5, where={"a": 1})),
            ]

        assert self.using(stores, talk) == [0, [], [], [], []]

    def test_items_come_in_the_order_of_the_ids_asked_for(self, stores: Any) -> None:
        """If this fails: texts are taken for those of other ids."""

        async def talk(store: VectorStore) -> list[VectorItem]:
            await store.add([item(name, [1, 0, 0]) for name in "abcde"])
            return await store.get(["d", "missing", "a", "e"])

        assert names(self.using(stores, talk)) == ["d", "a", "e"]

    def test_an_item_of_a_known_id_takes_its_place(self, stores: Any) -> None:
        """If this fails: a text that changed is found by what it was, or twice."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item("a", [1, 0, 0], text="old", metadata={"v": 1, "gone": 1})])
            await store.add([item("a", [0, 1, 0], text="new", metadata={"v": 2})])
            return (
                await store.query(VectorQuery(vector=[0, 1, 0], limit=5)),
                await store.query(VectorQuery(vector=[0, 1, 0], limit=5, where={"gone": 1})),
                await store.query(VectorQuery(vector=[0, 1, 0], limit=5, where={"v": 2})),
                await store.count(),
            )

        [found], by_old, by_new, count = self.using(stores, talk)

        assert (found["text"], found["metadata"], count) == ("new", {"v": 2}, 1)
        assert found["score"] == pytest.approx(1, abs=1e-5)
        assert (by_old, names(by_new)) == ([], ["a"])

    def test_of_two_items_with_one_id_the_last_is_kept(self, stores: Any) -> None:
        """If this fails: a batch with a text and its correction cannot be added."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item("a", [1, 0, 0], text="old"), item("a", [0, 1, 0], text="new")])
            return await store.query(VectorQuery(vector=[1, 0, 0], limit=5))

        assert [found["text"] for found in self.using(stores, talk)] == ["new"]

    def test_what_is_deleted_is_gone(self, stores: Any) -> None:
        """If this fails: what should be forgotten is found."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item(name, [1, 0, 0], metadata={"a": 1}) for name in "abc"])
            await store.delete(["a", "missing", "c", "c"])
            return (
                names(await store.query(VectorQuery(vector=[1, 0, 0], limit=5))),
                names(await store.query(VectorQuery(vector=[1, 0, 0], limit=5, where={"a": 1}))),
                names(await store.get(["a", "b", "c"])),
                await store.count(),
            )

        assert self.using(stores, talk) == (["b"], ["b"], ["b"], 1)

    @pytest.mark.parametrize("metadata", METADATA, ids=["nested", "numbers", "large", "names"])
    def test_metadata_come_back_as_they_were(self, stores: Any, metadata: dict[str, Any]) -> None:
        """If this fails: a store changes what it was given."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item("a", [1, 0, 0], metadata=metadata)])
            return [
                *await store.get(["a"]),
                *await store.query(VectorQuery(vector=[1, 0, 0], limit=1)),
            ]

        for found in self.using(stores, talk):
            assert found["metadata"] == metadata
            kinds = {name: type(value) for name, value in found["metadata"].items()}
            assert kinds == {name: type(value) for name, value in metadata.items()}

    def test_metadata_may_be_left_out(self, stores: Any) -> None:
        """If this fails: plain texts cannot be kept."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item("a", [1, 0, 0], text="", metadata=None)])
            return await store.get(["a"])

        [found] = self.using(stores, talk)

        assert (found["text"], found["metadata"]) == ("", {})

    def test_what_was_given_and_what_is_got_are_the_callers(self, stores: Any) -> None:
        """If this fails: changing a result changes the store, or the store changes an argument."""
        given = item("a", [3, 0, 0], metadata={"list": [1]})

        async def talk(store: VectorStore) -> Any:
            before = copy.deepcopy(given)
            await store.add([given])
            unchanged = given == before
            given["metadata"]["list"].append(2)
            [found] = await store.get(["a"])
            found["metadata"]["list"].append(3)
            [again] = await store.query(VectorQuery(vector=[1, 0, 0], limit=1))
            return unchanged, again["metadata"]

        assert self.using(stores, talk) == (True, {"list": [1]})

    # ------------------------------------------------------------ hostile and odd texts
    def test_ids_and_texts_are_only_texts(self, stores: Any) -> None:
        """If this fails: an id or a text is taken for something else (SQL, a path), or changed."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item(name, [1, 0, 0], text=name) for name in HOSTILE])
            got = [(found["id"], found["text"]) for found in await store.get(HOSTILE)]
            await store.delete(HOSTILE[:-1])
            return got, names(await store.query(VectorQuery(vector=[1, 0, 0], limit=100)))

        got, left = self.using(stores, talk)

        assert got == [(name, name) for name in HOSTILE]
        assert left == [HOSTILE[-1]]

    def test_names_and_values_of_conditions_are_only_texts(self, stores: Any) -> None:
        """If this fails: metadata's names can break a search, or what it is narrowed to."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item(name, [1, 0, 0], metadata={name: name}) for name in HOSTILE])
            return [
                names(
                    await store.query(VectorQuery(vector=[1, 0, 0], limit=100, where={name: name}))
                )
                for name in HOSTILE
            ]

        assert self.using(stores, talk) == [[name] for name in HOSTILE]

    def test_collections_do_not_see_each_other(self, stores: Any) -> None:
        """If this fails: what one agent keeps is found by another."""

        async def talk(one: VectorStore, other: VectorStore) -> Any:
            await one.add([item("a", [1, 0, 0], text="one"), item("b", [1, 0, 0])])
            await other.add([item("a", [1, 0, 0, 0], text="other")])
            await one.delete(["b"])
            return (
                [
                    found["text"]
                    for found in await one.query(VectorQuery(vector=[1, 0, 0], limit=5))
                ],
                [found["text"] for found in await other.get(["a", "b"])],
                await one.count(),
            )

        assert self.using(stores, talk, "one", "other") == (["one"], ["other"], 1)

    @pytest.mark.parametrize("name", [*HOSTILE, "", "Default", "x" * 200], ids=ascii)
    def test_a_collections_name_is_refused_or_only_a_name(self, stores: Any, name: str) -> None:
        """If this fails: a collection's name reaches into another collection."""

        async def talk(store: VectorStore) -> list[str]:
            await store.add([item("kept", [1, 0, 0])])
            other = None
            try:
                other = stores(name)
                await other.open()
                await other.add([item("other", [1, 0])])
            except (ResourceError, ValueError):
                pass  # refused: where it is set up, or where it is first used
            if other is not None:
                await other.close()
            return names(await store.query(VectorQuery(vector=[1, 0, 0], limit=5)))

        assert self.using(stores, talk, "default") == ["kept"]

    # ------------------------------------------------------------ refusing
    @pytest.mark.parametrize("vector", BAD_VECTORS, ids=ascii)
    def test_a_vector_without_direction_is_refused(self, stores: Any, vector: Any) -> None:
        """If this fails: a broken embedding is kept, and spoils what is found."""
        kept = self.refusing(stores, item("bad", vector))

        assert kept == ["before"]

    @pytest.mark.parametrize("length", [2, 4], ids=["shorter", "longer"])
    def test_a_vector_of_another_length_is_refused(self, stores: Any, length: int) -> None:
        """If this fails: vectors of two models are compared."""
        kept = self.refusing(stores, item("bad", [1.0] * length))

        assert kept == ["before"]

    def test_the_first_items_must_be_of_one_length(self, stores: Any) -> None:
        """If this fails: the length of a store's vectors is left to chance."""

        async def talk(store: VectorStore) -> int:
            with pytest.raises(ValueError, match=r"."):
                await store.add([item("a", [1, 0, 0]), item("b", [1, 0])])
            return await store.count()

        assert self.using(stores, talk) == 0

    @pytest.mark.parametrize("name", [*UNSTORABLE, "", "x" * 1025, None, 7], ids=ascii)
    def test_an_id_that_not_every_store_can_hold_is_refused(self, stores: Any, name: Any) -> None:
        """If this fails: an agent cannot change its store."""
        kept = self.refusing(stores, item(name, [1, 0, 0]))

        assert kept == ["before"]

    @pytest.mark.parametrize("text", [*UNSTORABLE, None, b"a"], ids=ascii)
    def test_a_text_that_not_every_store_can_hold_is_refused(self, stores: Any, text: Any) -> None:
        """If this fails: an agent cannot change its store."""
        kept = self.refusing(stores, item("bad", [1, 0, 0], text=text))

        assert kept == ["before"]

    @pytest.mark.parametrize("metadata", UNSTORABLE_METADATA, ids=lambda each: ascii(each)[:20])
    def test_metadata_that_not_every_store_can_hold_are_refused(
        self, stores: Any, metadata: Any
    ) -> None:
        """If this fails: an agent cannot change its store, or metadata are changed in silence."""
        kept = self.refusing(stores, item("bad", [1, 0, 0], metadata=metadata))

        assert kept == ["before"]

    def test_nobody_has_an_id_that_cannot_be(self, stores: Any) -> None:
        """If this fails: asking for an id that a model made up raises."""

        async def talk(store: VectorStore) -> Any:
            await store.add([item("a", [1, 0, 0])])
            await store.delete([*UNSTORABLE, ""])
            return names(await store.get([*UNSTORABLE, "", "x" * 5000, "a"]))

        assert self.using(stores, talk) == ["a"]

    @pytest.mark.parametrize("vector", [*BAD_VECTORS, [1.0, 2.0], [1.0] * 4], ids=ascii)
    def test_nothing_is_near_to_a_broken_vector(self, stores: Any, vector: Any) -> None:
        """If this fails: a search with a broken embedding finds something."""

        async def talk(store: VectorStore) -> None:
            await store.add([item("a", [1, 0, 0])])
            with pytest.raises(ValueError, match=r"."):
                await store.query(VectorQuery(vector=vector, limit=5))

        self.using(stores, talk)

    @pytest.mark.parametrize(
        "where",
        [{"a": {"like": 1}}, {"a": {}}, {"a": {"in": "text"}}, {"": 1}, {"a": {"lt": None}}],
        ids=ascii,
    )
    def test_what_is_no_condition_is_refused(self, stores: Any, where: Any) -> None:
        """If this fails: a condition with a slip finds all or nothing."""

        async def talk(store: VectorStore) -> None:
            await store.add([item("a", [1, 0, 0])])
            with pytest.raises(ValueError, match="filter"):
                await store.query(VectorQuery(vector=[1, 0, 0], limit=5, where=where))

        self.using(stores, talk)

    # ------------------------------------------------------------ helpers
    def using(
        self, stores: Callable[[str], VectorStore], talk: Callable[..., Awaitable[Any]], *of: str
    ) -> Any:
        """Runs ``talk`` with open stores of collections."""

        async def go() -> Any:
            opened: list[VectorStore] = []
            try:
                for collection in of or ("items",):
                    opened.append(stores(collection))
                    await opened[-1].open()
                return await talk(*opened)
            finally:
                for store in opened:
                    await store.close()

        return self.run(go())

    def refusing(self, stores: Callable[[str], VectorStore], bad: VectorItem) -> list[str]:
        """Adds what must be refused, between two items that could be kept; gives what is kept."""

        async def talk(store: VectorStore) -> list[str]:
            await store.add([item("before", [1, 0, 0])])
            with pytest.raises(ValueError, match=r"."):
                await store.add([item("good", [0, 1, 0]), bad, item("fine", [0, 1, 1])])
            return names(await store.query(VectorQuery(vector=[1, 0, 0], limit=100)))

        kept: list[str] = self.using(stores, talk)
        return kept
