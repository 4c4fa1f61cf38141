"""A vector store that is filled with texts, and kept up to date with them."""

from __future__ import annotations

import asyncio

import pytest
from semantic_ready import DictStore, WordEmbedder

from headrace.retrieval import Document, index_texts, remove_texts, retrieve
from headrace.vectors import VectorQuery

SMALL = {"size": 24, "overlap": 0}
TIDES = "The tide turns at noon.\n\nBread is baked at four.\n\nThe mill is at the race."


class Counting(WordEmbedder):
    """Counts what it embeds."""

    def __init__(self):
        super().__init__()
        self.batches = []

    async def embed(self, texts):
        self.batches.append(list(texts))
        return await super().embed(texts)


class Shaky(DictStore):
    """Breaks off at its n-th change."""

    def __init__(self, left):
        super().__init__()
        self.left = left

    async def add(self, items, *, collection=None):
        self._break_off()
        await super().add(items, collection=collection)

    async def delete(self, ids, *, collection=None):
        self._break_off()
        await super().delete(ids, collection=collection)

    def _break_off(self):
        if self.left == 0:
            raise ConnectionError("gone")
        self.left -= 1


@pytest.fixture
def store():
    return DictStore()


@pytest.fixture
def embedder():
    return Counting()


def index(store, embedder, texts, **settings):
    return asyncio.run(index_texts(store, embedder, texts, **{**SMALL, **settings}))


def texts_of(store):
    return sorted(item["text"] for item in store.items.values())


def test_texts_are_found_by_their_pieces(store, embedder):
    index(store, embedder, {"tides.md": TIDES, "other.md": "Nothing else."})

    [found] = asyncio.run(retrieve(store, VectorQuery("bread baked", 1), embedder=embedder))

    assert (found["text"], found["metadata"]) == (
        "Bread is baked at four.",
        {"document": "tides.md"},
    )


def test_pieces_have_the_metadata_of_their_document(store, embedder):
    index(store, embedder, [Document("d", TIDES, {"lang": "en"})])

    asked = VectorQuery("tide", where={"lang": "en", "document": "d"})
    found = asyncio.run(retrieve(store, asked, embedder=embedder))

    assert [one["metadata"] for one in found] == [{"lang": "en", "document": "d"}] * 3


def test_it_says_what_it_has_done(store, embedder):
    done = index(store, embedder, {"tides.md": TIDES, "other.md": "Nothing else."})

    assert (done.documents, done.added, done.unchanged, done.removed) == (2, 4, 0, 0)


def test_indexing_again_embeds_and_writes_nothing(store, embedder):
    index(store, embedder, {"tides.md": TIDES})
    kept, embedder.batches = dict(store.items), []

    done = index(store, embedder, {"tides.md": TIDES})

    assert (embedder.batches, store.items, done.unchanged) == ([], kept, 3)


def test_a_changed_piece_is_replaced_and_the_others_stay(store, embedder):
    index(store, embedder, {"tides.md": TIDES})

    done = index(store, embedder, {"tides.md": TIDES.replace("four", "five")})

    assert texts_of(store) == [
        "Bread is baked at five.",
        "The mill is at the race.",
        "The tide turns at noon.",
    ]
    assert (done.unchanged, done.removed) == (1, 1)


def test_a_document_that_is_shorter_has_no_pieces_left_over(store, embedder):
    index(store, embedder, {"tides.md": TIDES})

    index(store, embedder, {"tides.md": "The tide turns at noon."})

    assert texts_of(store) == ["The tide turns at noon."]


def test_a_document_without_text_has_no_pieces(store, embedder):
    index(store, embedder, {"tides.md": TIDES})

    done = index(store, embedder, {"tides.md": " "})

    assert (store.items, done.removed) == ({}, 3)


def test_other_documents_stay_as_they_are(store, embedder):
    index(store, embedder, {"tides.md": TIDES, "other.md": "Nothing else."})

    index(store, embedder, {"tides.md": "Short."})

    assert texts_of(store) == ["Nothing else.", "Short."]


def test_equal_texts_of_two_documents_or_of_one_are_pieces_of_their_own(store, embedder):
    index(
        store,
        embedder,
        {"a": "The same paragraph.\n\nThe same paragraph.", "b": "The same paragraph."},
    )

    assert texts_of(store) == ["The same paragraph."] * 3


def test_new_metadata_are_written(store, embedder):
    index(store, embedder, [Document("d", TIDES, {"year": 2025})])

    index(store, embedder, [Document("d", TIDES, {"year": 2026})])

    assert {item["metadata"]["year"] for item in store.items.values()} == {2026}


def test_pieces_are_embedded_in_batches(store, embedder):
    index(store, embedder, {str(n): f"Text number {n}." for n in range(10)}, batch=4)

    assert [len(batch) for batch in embedder.batches] == [4, 4, 2]


def test_a_long_document_is_embedded_in_batches_too(store, embedder):
    index(store, embedder, {"d": "\n\n".join(f"Paragraph number {n}." for n in range(9))}, batch=4)

    assert max(map(len, embedder.batches)) <= 4
    assert len(store.items) == 9


@pytest.mark.parametrize("changes", range(5))
def test_where_it_was_broken_off_the_next_time_finishes_it(embedder, changes):
    store = Shaky(99)
    index(store, embedder, {"a": TIDES, "b": "Short."}, batch=2)
    store.left = changes
    with pytest.raises(ConnectionError):
        index(store, embedder, {"a": "All is new here.\n\nBread is baked at four."}, batch=1)
    store.left = 99

    index(store, embedder, {"a": "And new again.\n\nThe mill is at the race."}, batch=2)

    assert texts_of(store) == ["And new again.", "Short.", "The mill is at the race."]


def test_documents_may_be_removed(store, embedder):
    index(store, embedder, {"tides.md": TIDES, "other.md": "Nothing else."})

    removed = asyncio.run(remove_texts(store, ["tides.md", "never.md"]))

    assert (removed, texts_of(store)) == (3, ["Nothing else."])


@pytest.mark.parametrize("name", ["document", "headrace.pieces"])
def test_metadata_that_use_a_name_that_is_taken_are_refused(store, embedder, name):
    with pytest.raises(ValueError, match=f"its metadata use {name}"):
        index(store, embedder, [Document("d", TIDES, {name: "x"})])


def test_a_document_that_is_there_twice_is_refused(store, embedder):
    with pytest.raises(ValueError, match="'d' is there twice"):
        index(store, embedder, [Document("d", "a"), Document("d", "b")])
