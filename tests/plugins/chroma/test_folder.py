"""Chroma in a folder: its processes, what stands in it, and what is not taken for ours."""

from __future__ import annotations

import asyncio
import fcntl
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import chromadb
import pytest
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings

from headrace.errors import NonRetryableError, ResourceError
from headrace.vectors import VectorQuery
from headrace_chroma import ChromaVectorError, ChromaVectorStore

WRITER = """
import asyncio, sys
from headrace_chroma import ChromaVectorStore

async def main(path):
    store = ChromaVectorStore(path)
    await store.open()
    for batch in range(100_000):
        await store.add([dict(id=f"{batch}-{n}", text="x", vector=[1, n]) for n in range(20)])
        print(batch, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


def item(name, **metadata):
    return {"id": name, "text": f"text of {name}", "metadata": metadata, "vector": [1, 0]}


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "chroma")


@asynccontextmanager
async def opened(path, **given):
    store = ChromaVectorStore(path, **given)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def using(path, talk, **given):
    async def go():
        async with opened(path, **given) as store:
            return await talk(store)

    return asyncio.run(go())


@contextmanager
def chromas_own(path):
    """Chroma's own client, as another program has it."""
    settings = Settings(_env_file=None, anonymized_telemetry=False)
    client = chromadb.PersistentClient(path, settings=settings)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def writer(path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.wait(60)
    process.stdout.close()


@pytest.mark.slow
class TestProcesses:
    def test_that_are_killed_leave_whole_batches_and_all_that_were_acknowledged(self, path, writer):
        acknowledged = [writer.stdout.readline() for _ in range(10)]
        writer.kill()
        acknowledged += writer.stdout.readlines()
        writer.wait(60)

        count = using(path, lambda store: store.count())

        assert count % 20 == 0
        assert count >= 20 * sum(line.endswith("\n") for line in acknowledged)

    def test_have_the_folder_one_at_a_time(self, path, writer):
        writer.stdout.readline()

        with pytest.raises(ResourceError, match=rf"open in the process {writer.pid}.*chroma run"):
            asyncio.run(ChromaVectorStore(path, timeout=0.1).open())

    def test_may_have_it_when_the_last_store_of_another_is_closed(self, path):
        async def go():
            async with opened(path) as one:
                await one.add([item("a")])
                async with opened(path) as other:
                    await other.add([item("b")])
                held = is_free(path)
                count = await one.count()
            return held, count, is_free(path)

        assert asyncio.run(go()) == (False, 2, True)


def is_free(path):
    """Whether another process could have the folder."""
    with Path(path, "headrace.lock").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


class TestEntries:
    def test_of_an_item_that_is_replaced_or_changed_are_not_left_behind(self, path):
        async def talk(store):
            await store.add([item("a", old=1, kept=1), item("b", old=2**60, kept=1)])
            await store.add([item("a", kept=2)])
            await store.update([{"id": "b", "metadata": {"kept": 2}}])

        using(path, talk)

        with chromas_own(path) as client:
            [collection] = client.list_collections()
            names = {name for entries in collection.get()["metadatas"] for name in entries}
        assert not {name for name in names if "old" in name}

    def test_that_another_writer_has_left_are_not_asked(self, path):
        using(path, lambda store: store.add([item("a", new=1)]))
        with chromas_own(path) as client:
            [collection] = client.list_collections()
            left = {"is old": "number 1", "number old": 7, "number new": 7}
            collection.update(ids=["a"], metadatas=[left])

        async def talk(store):
            asked = [{"old": 1}, {"old": {"gt": 0}}, {"old": None}, {"$not": {"old": 1}}]
            return [await store.query(VectorQuery(vector=[1, 0], where=one)) for one in asked]

        assert [len(found) for found in using(path, talk)] == [0, 0, 1, 1]


class TestConditions:
    def test_may_name_thousands_of_values(self, path):
        async def talk(store):
            await store.add([item(f"{n}", n=n) for n in range(10)])
            where = {"n": [*range(5, 10_005)]}
            return await store.query(VectorQuery(vector=[1, 0], limit=20, where=where))

        assert len(using(path, talk)) == 5

    def test_of_more_values_than_chroma_is_asked_for_are_refused(self, path):
        async def talk(store):
            await store.add([item("a", n=1)])
            await store.query(VectorQuery(vector=[1, 0], where={"n": [*range(10_001)]}))

        with pytest.raises(ValueError, match="Chroma is asked for 10000"):
            using(path, talk)

    def test_of_texts_may_be_chromas_own(self, path):
        async def talk(store):
            await store.add([item("a"), item("b")])
            native = {"where_document": {"$contains": "of b"}}
            return await store.query(VectorQuery(vector=[1, 0], native=native))

        assert [found["id"] for found in using(path, talk)] == ["b"]

    @pytest.mark.parametrize("texts", ["of b", {}, None, {"$like": "of b"}], ids=ascii)
    def test_of_texts_that_chroma_does_not_know_are_refused(self, path, texts):
        async def talk(store):
            await store.add([item("a")])
            await store.query(VectorQuery(vector=[1, 0], native={"where_document": texts}))

        with pytest.raises(ValueError, match="native: where_document"):
            using(path, talk)


class TestAnIndexThatReachesTooFew:
    """Chroma's does so once in thousands of searches among equal vectors; here it always does."""

    @pytest.fixture(autouse=True)
    def short(self, monkeypatch):
        whole = Collection.query

        def query(collection, **given):
            found = whole(collection, **given)
            return {
                name: [rows[0][1:2]]
                if isinstance(rows, list) and rows != given["include"]
                else rows
                for name, rows in found.items()
            }

        monkeypatch.setattr(Collection, "query", query)

    @pytest.mark.parametrize(("limit", "wanted"), [(9, ["c", "b", "d"]), (2, ["c", "b"])])
    def test_is_not_relied_on(self, path, limit, wanted):
        vectors = {"a": [1, 0], "b": [1, 1], "c": [2, 1], "d": [0, 1]}

        async def talk(store):
            await store.add([item(n, n=n) | {"vector": vector} for n, vector in vectors.items()])
            asked = VectorQuery(vector=[1, 0], limit=limit, where={"n": {"ne": "a"}})
            return await store.query(asked)

        found = using(path, talk)

        assert [one["id"] for one in found] == wanted
        assert [one["score"] for one in found[:2]] == pytest.approx([0.8**0.5, 0.5**0.5])


class TestCollections:
    def test_of_other_programs_are_refused_and_not_listed(self, path):
        with chromas_own(path) as client:
            for name in ("theirs", "headrace-default-1"):
                client.create_collection(name, embedding_function=None)

        async def talk(store):
            with pytest.raises(ResourceError, match="not one of headrace-chroma's"):
                await store.add([item("a")])
            return await store.collections()

        assert using(path, talk) == []

    def test_have_names_that_cannot_be_taken_for_each_other(self, path):
        names = ["a..b", "a.-b", "a.-.-b", "a--b", "_", "A", "a", "1.2.3.4", "x" * 48, "a."]

        async def talk(store):
            for name in names:
                await store.add([item(name)], collection=name)
            found = [[one["id"] for one in await store.get(names, collection=n)] for n in names]
            return found, await store.collections()

        assert using(path, talk) == ([[name] for name in names], sorted(names))

    def test_that_are_larger_than_one_request_are_kept_whole(self, path):
        async def talk(store):
            await store.add([item(f"{n}", n=n) for n in range(6_000)])
            ids = [f"{n}" for n in range(6_000)]
            found = len(await store.get(ids))
            await store.delete(ids[1:])
            return found, await store.count()

        assert using(path, talk) == (6_000, 1)


class TestFolders:
    def test_that_cannot_be_made_are_told_of(self, tmp_path):
        (tmp_path / "file").write_text("")

        with pytest.raises(ResourceError, match="the folder"):
            using(str(tmp_path / "file" / "chroma"), lambda store: store.count())

    def test_that_are_damaged_are_told_of_and_given_free(self, path, tmp_path):
        using(path, lambda store: store.add([item("a")]))
        (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"\xff" * 100_000)

        for _ in range(2):
            with pytest.raises(ChromaVectorError, match="not a database") as caught:
                using(path, lambda store: store.count(), timeout=0.1)

        assert not isinstance(caught.value, NonRetryableError)

    def test_stand_where_the_process_stands_if_their_path_is_relative(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

        using("made/here", lambda store: store.count())

        assert (tmp_path / "made/here/chroma.sqlite3").is_file()
