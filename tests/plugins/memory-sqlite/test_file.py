"""The file: several processes, locks, kills, other files, and what stays in it."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from headrace.errors import HeadraceError, ResourceError
from headrace_memory_sqlite import SqliteMemory, _index

ADA = {"agent": "desk", "key": "k", "user": "ada"}

WRITER = """
import asyncio, sys
from headrace_memory_sqlite import SqliteMemory

ADA = {"agent": "desk", "key": "k", "user": "ada"}

async def main(path, name, count):
    memory = SqliteMemory(path)
    await memory.open()
    for number in range(count):
        item_id = f"{name}-{number}"
        await memory.add(ADA, item_id, f"Parcel {item_id}.", {})
        print(item_id, flush=True)
    await memory.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "folder" / "m.db")


def writer(path, name, count):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, path, name, str(count)], stdout=subprocess.PIPE, text=True
    )


async def all_ids(memory):
    return [item["id"] async for item in memory.export(ADA)]


class TestProcesses:
    def test_may_write_at_the_same_time(self, path, using):
        processes = [writer(path, name, 40) for name in "abc"]
        said = [process.communicate(timeout=60)[0] for process in processes]

        kept = using(SqliteMemory(path), all_ids)

        assert [process.returncode for process in processes] == [0, 0, 0]
        assert sorted(kept) == sorted("".join(said).split())
        assert len(kept) == 120

    def test_that_are_killed_lose_nothing_that_was_acknowledged(self, path, using):
        process = writer(path, "a", 100_000)
        with process.stdout:
            acknowledged = [process.stdout.readline().strip() for _ in range(50)]
            os.kill(process.pid, signal.SIGKILL)
            acknowledged += process.stdout.read().split()
        process.wait(timeout=60)

        async def talk(memory):
            found = await memory.search(ADA, "parcel", 1_000_000)
            return await all_ids(memory), [item["id"] for item in found]

        kept, found = using(SqliteMemory(path), talk)

        assert set(acknowledged) <= set(kept)
        assert sorted(found) == sorted(kept), "the index and the memories say the same"

    def test_may_make_the_file_at_the_same_time(self, tmp_path):
        together = threading.Barrier(6)

        def open_and_close(path):
            async def go():
                memory = SqliteMemory(path)
                together.wait(60)
                await memory.open()
                await memory.close()

            asyncio.run(go())

        with ThreadPoolExecutor(6) as pool:
            for number in range(25):  # without care some of these opens find the file locked
                list(pool.map(open_and_close, [str(tmp_path / f"{number}.db")] * 6))

    def test_that_write_keep_nobody_from_opening_and_reading(self, path, using):
        using(SqliteMemory(path), lambda memory: memory.add(ADA, "m-1", "Tea.", {}))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            found = using(
                SqliteMemory(path, timeout=0), lambda memory: memory.search(ADA, "tea", 5)
            )

        assert [item["id"] for item in found] == ["m-1"]

    def test_that_hold_the_lock_do_not_stop_the_loop(self, path):
        async def go():
            memory = SqliteMemory(path)
            await memory.open()
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                waiting = asyncio.ensure_future(memory.add(ADA, "m-1", "Tea.", {}))
                turns = [await asyncio.sleep(0) for _ in range(1_000)]
                held_up = not waiting.done()
                other.execute("ROLLBACK")
            await waiting
            kept = await all_ids(memory)
            await memory.close()
            return len(turns), held_up, kept

        assert asyncio.run(asyncio.wait_for(go(), 60)) == (1_000, True, ["m-1"])

    def test_that_hold_the_lock_too_long_are_told_of_and_it_may_be_tried_again(self, path, using):
        async def talk(memory):
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(HeadraceError, match=r"locked for 0\.01 s") as caught:
                    await memory.add(ADA, "m-1", "Tea.", {})
            await memory.add(ADA, "m-1", "Tea.", {})
            return type(caught.value), await all_ids(memory)

        assert using(SqliteMemory(path, timeout=0.01), talk) == (HeadraceError, ["m-1"])

    def test_that_read_an_old_state_keep_an_erasure_from_being_said_done(self, path, using):
        folder = Path(path).parent

        def there():
            return any(b"Quetzalcoatlus" in file.read_bytes() for file in folder.iterdir())

        async def talk(memory):
            await memory.add(ADA, "m-1", "Quetzalcoatlus", {})
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN")
                other.execute("SELECT * FROM memories").fetchall()
                with pytest.raises(HeadraceError, match="locked"):
                    await memory.erase(ADA)
                before = there(), await all_ids(memory)
            again = await memory.erase(ADA)
            return before, again, there()

        assert using(SqliteMemory(path, timeout=0.01), talk) == ((True, []), 0, False)


class TestOtherFiles:
    def test_of_no_database_are_refused(self, path, tmp_path):
        (tmp_path / "x").write_bytes(b"no database, but long enough to be looked at" * 100)
        with pytest.raises(ResourceError, match="not a database"):
            asyncio.run(SqliteMemory(str(tmp_path / "x")).open())

    def test_of_another_database_are_refused_and_left_alone(self, tmp_path):
        other = tmp_path / "other.db"
        with closing(sqlite3.connect(other)) as db:
            db.execute("CREATE TABLE t (x)")
        with pytest.raises(ResourceError, match="something else"):
            asyncio.run(SqliteMemory(str(other)).open())
        with closing(sqlite3.connect(other)) as db:
            assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]

    def test_of_a_newer_version_are_refused(self, path, using):
        using(SqliteMemory(path), all_ids)
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA user_version = 99")
        with pytest.raises(ResourceError, match="newer headrace-memory-sqlite"):
            asyncio.run(SqliteMemory(path).open())

    def test_that_cannot_be_made_are_told_of(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(ResourceError, match="cannot be opened"):
            asyncio.run(SqliteMemory(str(tmp_path / "file" / "m.db")).open())


class TestRows:
    def test_of_many_pages_are_exported_once_each_while_others_are_added(self, path, using):
        async def talk(memory):
            memory.clock = lambda: 1.0
            for number in range(1_100):
                await memory.add(ADA, f"m-{number}", "Tea.", {})
            seen = []
            async for item in memory.export(ADA):
                seen.append(item["id"])
                if len(seen) == 600:
                    memory.clock = lambda: 0.5
                    await memory.add(ADA, "late", "Tea.", {})
            return seen

        assert using(SqliteMemory(path), talk) == [f"m-{number}" for number in range(1_100)]

    def test_that_have_expired_go_with_the_next_write(self, path, using):
        async def talk(memory):
            memory.clock = lambda: 0.0
            await memory.add(ADA, "m-1", "Tea.", {}, expires=10.0)
            memory.clock = lambda: 10.0
            await memory.add(ADA, "m-2", "Coffee.", {})

        using(SqliteMemory(path), talk)

        with closing(sqlite3.connect(path)) as db:
            assert db.execute("SELECT item_id FROM memories").fetchall() == [("m-2",)]

    @pytest.mark.parametrize("seed", [1, 22])
    def test_that_were_erased_leave_no_trace_among_those_of_others(
        self, path, using, tmp_path, seed
    ):
        """SQLite moves rows between pages and leaves copies, with seed 22 one of hers."""
        draw = random.Random(seed)
        hers, his = ({"agent": "a", "key": "k", "user": user} for user in ("hers", "his"))
        secrets = []

        async def talk(memory):
            memory.clock = lambda: 1.0
            for number in range(120):
                secret = f"secret{draw.randrange(10**9):09d}"
                times = draw.choice([1, 2, 10, 60, 200])
                if draw.random() < 0.5:
                    secrets.append(secret)
                    await memory.add(hers, secret, f"{secret} " * times, {})
                else:
                    await memory.add(his, str(number), "kept " * times, {})
                some = str(draw.randrange(number + 1))
                await memory.update(his, some, "kept " * draw.choice([1, 5, 60, 300]))
            return await memory.erase(hers)

        count = using(SqliteMemory(path), talk)
        content = b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file())

        assert count == len(secrets)
        assert [secret for secret in secrets if secret.encode() in content] == []


def test_the_loop_goes_on_while_a_call_is_under_way(path):
    async def go():
        memory = SqliteMemory(path)
        await memory.open()
        calls = asyncio.gather(*(memory.add(ADA, f"m-{n}", "word " * 5_000, {}) for n in range(8)))
        turns = 0
        while not calls.done():
            await asyncio.sleep(0)
            turns += 1
        await memory.close()
        return turns

    assert asyncio.run(asyncio.wait_for(go(), 60)) > 8


def test_several_loops_may_use_memories_of_one_file_in_one_process(path):
    def run(name):
        async def go():
            memory = SqliteMemory(path)
            await memory.open()
            for number in range(20):
                await memory.add(ADA, f"{name}-{number}", "Tea.", {})
            kept = await all_ids(memory)
            await memory.close()
            return kept

        return asyncio.run(go())

    with ThreadPoolExecutor(3) as pool:
        kept = list(pool.map(run, "abc"))
    assert max(map(len, kept)) == 60


class TestAFileWithoutSets:
    """A file of schema 1, as headrace-memory-sqlite wrote it before there were named sets."""

    @pytest.fixture
    def former(self, tmp_path):
        path = tmp_path / "former.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            for statement in (
                "CREATE TABLE memories (number INTEGER PRIMARY KEY AUTOINCREMENT,"
                " agent TEXT NOT NULL, key TEXT NOT NULL, user TEXT NOT NULL,"
                " item_id TEXT NOT NULL, text TEXT NOT NULL, metadata TEXT NOT NULL, topic TEXT,"
                " created REAL NOT NULL, updated REAL NOT NULL, expires REAL, vector BLOB,"
                " UNIQUE (agent, key, user, item_id))",
                "CREATE INDEX by_key ON memories (key)",
                "CREATE INDEX by_user ON memories (user)",
                "CREATE INDEX by_topic ON memories (agent, key, user, topic)"
                " WHERE topic IS NOT NULL",
                "CREATE INDEX by_expiry ON memories (expires) WHERE expires IS NOT NULL",
                "CREATE TABLE superseded (agent TEXT NOT NULL, key TEXT NOT NULL,"
                " user TEXT NOT NULL, item_id TEXT NOT NULL, at REAL NOT NULL,"
                " PRIMARY KEY (agent, key, user, item_id)) WITHOUT ROWID",
                "CREATE TABLE remains (there INTEGER PRIMARY KEY)",
                _index.CREATE,
                "INSERT INTO memories VALUES (7, 'desk', 'k', 'ada', 'm-1', 'Likes tulips.',"
                " '{}', 'flower', 1.0, 2.0, NULL, NULL)",
                f"INSERT INTO superseded VALUES ('desk', 'k', 'ada', 'm-0', {time.time()})",
                "PRAGMA user_version = 1",
            ):
                db.execute(statement)
            _index.enter(db, 7, ADA, "Likes tulips.")
        return str(path)

    def test_its_memories_are_there_in_no_set(self, former):
        async def talk(memory):
            return await memory.get(ADA, "m-1"), await memory.search(ADA, "tulips", 5)

        item, [found] = asyncio.run(using(former, talk))

        assert (item["text"], item["scope"], item["created"]) == ("Likes tulips.", ADA, 1.0)
        assert found["id"] == "m-1"

    def test_what_was_superseded_there_stays_so_and_topics_go_on(self, former):
        async def talk(memory):
            await memory.add(ADA, "m-0", "Likes roses.", {})
            await memory.add(ADA, "m-2", "Likes poppies.", {}, topic="flower")
            await memory.add({**ADA, "set": "facts"}, "m-3", "A fact.", {})
            return [item["id"] async for item in memory.export(ADA)]

        assert asyncio.run(using(former, talk)) == ["m-2", "m-3"]


async def using(path, talk):
    """What ``talk`` gives for an open memory."""
    memory = SqliteMemory(path)
    await memory.open()
    try:
        return await talk(memory)
    finally:
        await memory.close()
