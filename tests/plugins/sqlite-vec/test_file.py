"""The file: who may use it, what is refused, and what a crash leaves."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading

import pytest

from headrace.errors import NonRetryableError, ResourceError
from headrace.vectors import VectorQuery
from headrace_sqlite_vec import SqliteVectorError, SqliteVectorStore

WRITER = """
import asyncio, sys
from headrace_sqlite_vec import SqliteVectorStore

async def main(path, name, batches):
    store = SqliteVectorStore(path)
    await store.open()
    for batch in range(int(batches)):
        items = [dict(id=f"{name}-{batch}-{n}", text="x", vector=[1, n]) for n in range(20)]
        await store.add(items)
        print(batch, flush=True)
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


def writer(path: str, name: str, batches: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, path, name, str(batches)], stdout=subprocess.PIPE, text=True
    )


class TestProcesses:
    def test_that_make_and_fill_one_file_side_by_side_lose_nothing(self, path, using):
        writers = [writer(path, f"p{n}", 10) for n in range(4)]
        codes = [process.wait(60) for process in writers if process.communicate()]

        assert codes == [0] * 4
        assert using(lambda store: store.count(), path) == 4 * 10 * 20

    def test_that_are_killed_leave_whole_batches_and_all_that_were_acknowledged(self, path, using):
        process = writer(path, "p", 100_000)
        acknowledged = [process.stdout.readline() for _ in range(20)]
        process.kill()
        acknowledged += process.stdout.readlines()
        process.wait(60)
        process.stdout.close()

        count = using(lambda store: store.count(), path)

        assert count % 20 == 0
        assert count >= 20 * sum(line.endswith("\n") for line in acknowledged)

    def test_that_keep_the_file_locked_for_too_long_are_told_of(self, path, item, using):
        async def talk(store):
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(SqliteVectorError, match="locked") as caught:
                await store.add([item("a")])
            other.execute("ROLLBACK")
            other.close()
            await store.add([item("b")])
            return caught.value, await store.count()

        error, count = using(talk, path, busy_timeout=0.05)

        assert not isinstance(error, NonRetryableError)
        assert count == 1

    def test_that_lock_the_file_do_not_hold_up_the_loop(self, path, item, using):
        async def talk(store):
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            adding = asyncio.ensure_future(store.add([item("a")]))
            for _ in range(1000):
                await asyncio.sleep(0)
            waiting = not adding.done()
            other.execute("ROLLBACK")
            other.close()
            await adding
            return waiting, await store.count()

        assert using(talk, path) == (True, 1)


class TestFiles:
    def test_of_a_newer_version_are_refused(self, path, using):
        using(lambda store: store.count(), path)
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()

        with pytest.raises(ResourceError, match=r"newer headrace-sqlite-vec .* upgrade"):
            using(lambda store: store.count(), path)

    def test_of_other_programs_are_refused_and_left_alone(self, path, using):
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE theirs (a)")
        database.close()

        with pytest.raises(ResourceError, match="another program's database"):
            using(lambda store: store.count(), path)

        with sqlite3.connect(path) as database:
            tables = database.execute("SELECT name FROM sqlite_master").fetchall()
        database.close()
        assert tables == [("theirs",)]

    def test_that_are_no_database_are_refused_and_left_alone(self, tmp_path, using):
        path = tmp_path / "letter.txt"
        path.write_text("Dear Sir or Madam, " * 1000)

        with pytest.raises(ResourceError, match="not a database"):
            using(lambda store: store.count(), str(path))

        assert path.read_text() == "Dear Sir or Madam, " * 1000

    def test_that_are_damaged_are_told_of(self, path, item, using):
        using(lambda store: store.add([item(f"{n}") for n in range(500)]), path)
        with open(path, "r+b") as file:  # noqa: PTH123
            file.seek(8192)
            file.write(b"\xff" * 200_000)

        with pytest.raises((ResourceError, SqliteVectorError), match=r"malformed|not a database"):
            using(lambda store: store.query(VectorQuery(vector=[1, 0, 0], limit=5)), path)

    def test_stand_where_the_process_stands_if_their_path_is_relative(
        self, tmp_path, monkeypatch, using
    ):
        monkeypatch.chdir(tmp_path)

        using(lambda store: store.count(), "made/here.db")

        assert (tmp_path / "made" / "here.db").is_file()

    def test_whose_folder_cannot_be_made_are_told_of(self, tmp_path, using):
        (tmp_path / "file").write_text("")

        with pytest.raises(ResourceError, match="the folder of"):
            using(lambda store: store.count(), str(tmp_path / "file" / "vectors.db"))

    def test_that_are_folders_are_told_of(self, tmp_path, using):
        with pytest.raises(SqliteVectorError, match="unable to open"):
            using(lambda store: store.count(), str(tmp_path))

    def test_are_whole_when_the_store_is_closed(self, path, item, using, tmp_path):
        using(lambda store: store.add([item("a")]), path)

        assert [file.name for file in tmp_path.iterdir()] == ["vectors.db"]

    def test_give_back_the_space_of_what_is_replaced(self, path, item, using, tmp_path):
        async def talk(store):
            for n in range(30):
                await store.add([item(f"{m}", *[1.0] * 100, n=n) for m in range(100)])
            return await store.count()

        count = using(talk, path)

        assert count == 100
        assert (tmp_path / "vectors.db").stat().st_size < 3 * 100 * (4 * 100 + 200)


class TestDimensions:
    def test_are_those_of_the_first_item_for_good(self, path, item, using):
        async def talk(store):
            await store.add([item("a", 1, 2)])
            await store.delete(["a"])
            await store.add([item("b", 1, 2, 3)])

        with pytest.raises(ValueError, match="3 numbers, those in the collection 2"):
            using(talk, path)

    def test_are_each_collections_own(self, path, item, opened):
        async def go():
            async with opened(path) as one, opened(path, collection="other") as other:
                await one.add([item("a", 1, 2)])
                await other.add([item("a", 1, 2, 3)])
                return len(await one.query(VectorQuery(vector=[1, 2], limit=5))), len(
                    await other.query(VectorQuery(vector=[1, 2, 3], limit=5))
                )

        assert asyncio.run(go()) == (1, 1)


class TestConditions:
    def test_may_name_thousands_of_values(self, item, using):
        async def talk(store):
            await store.add([item(f"{n}", n=n) for n in range(10)])
            return await store.query(
                VectorQuery(vector=[1, 0, 0], limit=20, where={"n": [*range(5, 20_000)]})
            )

        assert len(using(talk, ":memory:")) == 5

    def test_of_more_values_than_sqlite_takes_are_refused(self, item, using):
        async def talk(store):
            await store.add([item("a", n=1)])
            await store.query(VectorQuery(vector=[1, 0, 0], limit=5, where={"n": [*range(40_000)]}))

        with pytest.raises(ValueError, match="SQLite takes 30000"):
            using(talk, ":memory:")


class TestClosing:
    def test_waits_for_what_is_under_way(self, path, item, using):
        async def talk(store):
            adding = [asyncio.ensure_future(store.add([item(f"{n}")])) for n in range(10)]
            await asyncio.sleep(0)
            await store.close()
            await asyncio.gather(*adding)

        using(talk, path)

        assert using(lambda store: store.count(), path) == 10

    def test_leaves_no_thread(self, path, using):
        using(lambda store: store.count(), path)

        assert not [each for each in threading.enumerate() if "sqlite-vec" in each.name]

    def test_ends_the_store_until_it_is_opened_again(self, path, item):
        async def go():
            store = SqliteVectorStore(path)
            await store.open()
            await store.add([item("a")])
            await store.close()
            with pytest.raises(ResourceError, match="not open"):
                await store.count()
            await store.open()
            count = await store.count()
            await store.close()
            return count

        assert asyncio.run(go()) == 1
