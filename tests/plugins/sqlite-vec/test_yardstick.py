"""The conformance class is only worth something if it is strict: this holds it to that."""

from __future__ import annotations

import pytest

from headrace.filters import matches
from headrace.testing import VectorStoreSuite
from headrace_sqlite_vec import SqliteVectorStore


class FiltersAfterwards(SqliteVectorStore):
    async def search(self, vector, limit, *, where=None):
        found = await super().search(vector, limit)
        return [item for item in found if matches(where, item["metadata"])]


class KeepsHalf(SqliteVectorStore):
    async def add(self, items):
        for item in items:
            await super().add([item])


class ForgetsTheOrder(SqliteVectorStore):
    async def get(self, ids):
        return sorted(await super().get(ids), key=lambda item: item["id"])


class TellsDistances(SqliteVectorStore):
    async def search(self, vector, limit, *, where=None):
        found = await super().search(vector, limit, where=where)
        return [{**item, "score": 1 - item["score"]} for item in found]


class TakesOneForTrue(SqliteVectorStore):
    async def search(self, vector, limit, *, where=None):
        found = await super().search(vector, 2**31)
        return [item for item in found if loosely(where, item["metadata"])][:limit]


class SharesACollection(SqliteVectorStore):
    def __init__(self, path, *, collection):
        super().__init__(path)


class LosesWhatIsConcurrent(SqliteVectorStore):
    busy = False

    async def add(self, items):
        if not self.busy:
            self.busy = True
            await super().add(items)
            self.busy = False


class ReadsNullAsText(SqliteVectorStore):
    async def add(self, items):
        await super().add([{**item, "text": str(item["text"])} for item in items])


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
