"""The conformance class is only worth something if it is strict: this holds it to that."""

from __future__ import annotations

import dataclasses

import pytest

from headrace.filters import matches
from headrace.testing import VectorStoreSuite
from headrace.vectors import Row, unit
from headrace_sqlite_vec import SqliteVectorStore


class FiltersAfterwards(SqliteVectorStore):
    async def _nearest(self, collection, vector, query):
        found = await super()._nearest(collection, vector, dataclasses.replace(query, where=None))
        return [item for item in found if matches(query.where, item["metadata"])]


class KeepsHalf(SqliteVectorStore):
    async def add(self, items, *, collection=None):
        for item in items:
            await super().add([item], collection=collection)


class ForgetsTheOrder(SqliteVectorStore):
    async def get(self, ids, *, collection=None):
        found = await super().get(ids, collection=collection)
        return sorted(found, key=lambda item: item["id"])


class TellsDistances(SqliteVectorStore):
    async def _nearest(self, collection, vector, query):
        found = await super()._nearest(collection, vector, query)
        return [{**item, "score": 1 - item["score"]} for item in found]


class TakesOneForTrue(SqliteVectorStore):
    async def _nearest(self, collection, vector, query):
        all_of_them = dataclasses.replace(query, where=None, limit=2**31 - 1)
        found = await super()._nearest(collection, vector, all_of_them)
        return [item for item in found if loosely(query.where, item["metadata"])][: query.limit]


class ForgetsNot(SqliteVectorStore):
    async def query(self, query):
        where = {k: v for k, v in (query.where or {}).items() if k != "$not"}
        return await super().query(dataclasses.replace(query, where=where))


class SharesACollection(SqliteVectorStore):
    def __init__(self, path, *, collection):
        super().__init__(path)


class MakesWhatItReads(SqliteVectorStore):
    async def _count(self, collection):
        await self._create(collection, 3)
        return await super()._count(collection)


class ReplacesWhatItUpdates(SqliteVectorStore):
    async def _change(self, collection, changes):
        for one in changes:
            vector = one.vector or unit([1, 0, 0])
            whole = Row(one.id, one.text or "", one.metadata or {}, one.json or "{}", vector)
            await self._put(collection, [whole])
        return [one.id for one in changes]


class WantsAllWords(SqliteVectorStore):
    async def _matching(self, collection, words, query):
        found = await super()._matching(collection, words, query)
        return [item for item in found if {*words.split()} <= {*item["text"].split()}]


class LosesWhatIsConcurrent(SqliteVectorStore):
    busy = False

    async def add(self, items, *, collection=None):
        if not self.busy:
            self.busy = True
            await super().add(items, collection=collection)
            self.busy = False


class ReadsNullAsText(SqliteVectorStore):
    async def add(self, items, *, collection=None):
        given = [{**item, "text": str(item["text"])} for item in items]
        await super().add(given, collection=collection)


def loosely(where, metadata):
    return all(
        metadata.get(name) == (value["eq"] if isinstance(value, dict) and "eq" in value else value)
        for name, value in (where or {}).items()
    )


@pytest.mark.parametrize(
    ("spoilt", "caught_by", "given"),
    [
        (FiltersAfterwards, "the_condition_comes_before_the_limit", {}),
        (KeepsHalf, "a_vector_of_another_length_is_refused", {"length": 2}),
        (KeepsHalf, "the_first_items_must_be_of_one_length", {}),
        (ForgetsTheOrder, "items_come_in_the_order_of_the_ids_asked_for", {}),
        (TellsDistances, "the_score_is_the_cosine", {}),
        (TellsDistances, "the_nearest_are_found_best_first", {"limit": 10}),
        (TakesOneForTrue, "conditions_mean_the_same_as_in_python", {"verb": "eq"}),
        (ForgetsNot, "conditions_mean_the_same_as_in_python", {"verb": "not"}),
        (MakesWhatItReads, "reading_a_collection_that_is_not_there_makes_nothing", {}),
        (ReplacesWhatItUpdates, "an_update_changes_what_is_given_and_nothing_else", {}),
        (WantsAllWords, "a_text_with_any_of_the_words_is_found", {}),
        (SharesACollection, "collections_do_not_see_each_other", {}),
        (LosesWhatIsConcurrent, "sixty_four_adds_and_searches_at_a_time_lose_nothing", {}),
        (ReadsNullAsText, "a_text_that_not_every_store_can_hold_is_refused", {"text": None}),
    ],
)
def test_spoilt_store_is_caught(tmp_path, spoilt, caught_by, given):
    def stores(collection):
        return spoilt(str(tmp_path / "vectors.db"), collection=collection)

    with pytest.raises((AssertionError, ValueError, pytest.fail.Exception)):
        getattr(VectorStoreSuite(), f"test_{caught_by}")(stores, **given)
