"""What is this store's own in a search: how hard the index looks, and the language of words."""

from __future__ import annotations

import asyncio

import pytest

from headrace.errors import ResourceError
from headrace.vectors import VectorQuery
from headrace_pgvector import PgVectorStore


def using(store, talk):
    async def go():
        await store.open()
        try:
            return await talk(store)
        finally:
            await store.close()

    return asyncio.run(go())


@pytest.mark.parametrize("candidates", [0, 1001, "many", None])
def test_the_index_looks_at_a_number_of_candidates_that_it_can(candidates):
    query = VectorQuery(vector=[1.0], native={"ef_search": candidates})

    assert PgVectorStore.faults_of(query) == ["native: ef_search must be 1 to 1000"]


def test_a_query_says_how_hard_the_index_looks(empty):
    async def talk(store):
        await store.add([{"id": "a", "text": "", "vector": [1, 0]}])
        return await store.query(VectorQuery(vector=[1, 0], native={"ef_search": 1000}))

    assert [item["id"] for item in using(empty(index="hnsw"), talk)] == ["a"]


@pytest.mark.parametrize(("language", "found"), [("simple", []), ("english", ["a"])])
def test_the_language_says_which_words_are_the_same(empty, language, found):
    async def talk(store):
        await store.add([{"id": "a", "text": "The pump leaks.", "vector": [1, 0]}])
        return await store.query(VectorQuery("leaking pumps", mode="keyword"))

    assert [item["id"] for item in using(empty(language=language), talk)] == found


@pytest.mark.parametrize("language", ["", "English!", "a'b", "x" * 64])
def test_a_language_that_cannot_be_is_refused(language):
    with pytest.raises(ResourceError, match="language must be"):
        PgVectorStore(language=language)


def test_a_language_that_the_server_does_not_have_is_told_of(empty):
    with pytest.raises(ResourceError, match="klingon"):
        using(
            empty(language="klingon"),
            lambda store: store.add([{"id": "a", "text": "", "vector": [1]}]),
        )
