"""The embedded action store: one SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from headrace.action_stores import ActionStoreError, CallRecord, SqliteActionStore
from headrace.errors import ResourceError
from headrace.testing import ActionStoreSuite


class TestConformance(ActionStoreSuite):
    @pytest.fixture
    def make(self, tmp_path):
        return lambda: SqliteActionStore(str(tmp_path / "calls.db"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "calls.db"


def using(path, work, **more):
    async def whole():
        store = SqliteActionStore(str(path), **more)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(whole())


def test_a_file_of_something_else_is_refused_by_its_name(path):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine (a)")
    db.close()

    with pytest.raises(ResourceError, match=r"calls\.db is no .* holds something else"):
        using(path, lambda store: store.open())


def test_a_file_that_is_no_database_is_refused(path):
    path.write_text("not a database, whatever its name says\n" * 100)

    with pytest.raises(ResourceError, match=r"calls\.db is no action store"):
        using(path, lambda store: store.open())


def test_a_file_of_a_newer_format_is_refused(path):
    using(path, lambda store: store.open())
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()

    with pytest.raises(ResourceError, match="its format is 99"):
        using(path, lambda store: store.open())


def test_a_folder_that_is_not_there_may_come(tmp_path):
    with pytest.raises(ActionStoreError, match="unable to open"):
        using(tmp_path / "missing" / "calls.db", lambda store: store.open())


def test_a_file_that_another_worker_locks_is_told_and_then_taken(path):
    using(path, lambda store: store.open())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def work(store):
        with pytest.raises(ActionStoreError, match="locked"):
            await store.append("job", [CallRecord(0, "a-0", "1")])
        other.execute("ROLLBACK")
        await store.append("job", [CallRecord(0, "a-0", "2")])
        return await store.read("job", "a-0")

    assert using(path, work, busy_timeout=0.05) == ["2"]
    other.close()


def test_a_full_disk_is_told_and_nothing_of_the_group_is_there(path):
    async def work(store):
        await store.append("job", [CallRecord(0, "a-0", "1")])
        db = store._db  # what SQLite says of a full disk, it says of a full file
        [(pages,)] = db.execute("PRAGMA page_count")
        db.execute(f"PRAGMA max_page_count={pages}")
        large = [CallRecord(0, "b-0", "x" * 1_000_000), CallRecord(0, "b-0", "y")]
        with pytest.raises(ActionStoreError, match="full"):
            await store.append("job", large)
        return await store.read("job", "a-0"), await store.read("job", "b-0")

    assert using(path, work) == (["1"], [])


def test_what_was_forgotten_is_given_back_to_the_disk(path):
    async def work(store):
        records = [CallRecord(0, f"r{number}-0", "x" * 4000) for number in range(500)]
        for _ in range(20):
            await store.append("job", records)
            await store.forget("job", [one.run for one in records])
        [(pages,)] = store._db.execute("PRAGMA page_count")
        return pages

    assert using(path, work) < 1500


@pytest.mark.parametrize("seconds", [0, -1, 4000, float("nan")])
def test_a_time_that_is_none_is_refused(path, seconds):
    with pytest.raises(ResourceError, match="busy_timeout is a number of seconds"):
        SqliteActionStore(str(path), busy_timeout=seconds)
