"""Milvus Lite on a file: its processes, and what it does not keep; and Milvus at an address."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from milvus_lite.server import Server
from pymilvus import DataType, MilvusClient

from headrace.errors import NonRetryableError, ResourceError
from headrace.vectors import VectorQuery
from headrace_milvus import MilvusVectorError, MilvusVectorStore

WRITER = """
import asyncio, sys
from headrace_milvus import MilvusVectorStore

async def main(path):
    store = MilvusVectorStore(path)
    await store.open()
    for batch in range(100_000):
        await store.add([dict(id=f"{batch}-{n}", text="x", vector=[1, n]) for n in range(20)])
        print(batch, flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


def item(name, **given):
    return {"id": name, "text": f"text of {name}", "vector": [1, 0], **given}


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "vectors.db")


@asynccontextmanager
async def opened(path=None, **given):
    store = MilvusVectorStore(path, **given)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def using(talk, path=None, **given):
    async def go():
        async with opened(path, **given) as store:
            return await talk(store)

    return asyncio.run(go())


@pytest.fixture
def writer(path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.wait(60)
    process.stdout.close()


def is_free(path):
    """Whether another process could have the file."""
    with Path(path).with_name(f".{Path(path).name}.lock").open("a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@pytest.mark.slow
class TestProcesses:
    def test_that_are_killed_leave_whole_batches_and_all_that_were_acknowledged(self, path, writer):
        acknowledged = [writer.stdout.readline() for _ in range(10)]
        writer.kill()
        acknowledged += writer.stdout.readlines()
        writer.wait(60)
        while not is_free(path):  # Milvus Lite ends a moment after its parent
            pass

        count = using(lambda store: store.count(), path)

        assert count % 20 == 0
        assert count >= 20 * sum(line.endswith("\n") for line in acknowledged)

    def test_have_the_file_one_at_a_time(self, path, writer):
        writer.stdout.readline()

        with pytest.raises(ResourceError, match="another process has it open"):
            asyncio.run(MilvusVectorStore(path).open())

    def test_share_it_among_their_stores_until_the_last_is_closed(self, path):
        async def go():
            async with opened(path) as one:
                async with opened(path) as other:
                    await other.add([item("a")])
                return await one.count()

        assert asyncio.run(go()) == 1
        assert using(lambda store: store.count(), path) == 1


class TestWhatIsNotKept:
    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ({"text": "ä" * 33_000}, "its text has 66000 bytes; Milvus keeps 65535"),
            ({"metadata": {"a": "x" * 65_535}}, "its metadata has 65543 bytes"),
            ({"vector": [1]}, "two numbers and more"),
        ],
        ids=["text", "metadata", "vector"],
    )
    def test_is_refused_with_all_that_was_given(self, path, given, told):
        async def talk(store):
            with pytest.raises(ValueError, match=told):
                await store.add([item("a", **given)])
            return await store.collections()

        assert using(talk, path) == []

    def test_are_texts_that_are_too_long_in_a_change(self, path):
        async def talk(store):
            await store.add([item("a")])
            with pytest.raises(ValueError, match="its text has 70000 bytes"):
                await store.update([{"id": "a", "text": "x" * 70_000, "vector": [0, 1]}])
            return await store.get(["a"])

        assert [found["text"] for found in using(talk, path)] == ["text of a"]


class TestConditions:
    def test_may_name_a_thousand_values(self, path):
        async def talk(store):
            await store.add([item(f"{n}", metadata={"n": n}) for n in range(10)])
            where = {"n": [*range(5, 1_005)]}
            return await store.query(VectorQuery(vector=[1, 0], limit=20, where=where))

        assert len(using(talk, path)) == 5

    def test_of_more_values_than_milvus_is_asked_for_are_refused(self, path):
        async def talk(store):
            await store.query(VectorQuery(vector=[1, 0], where={"n": [*range(1_001)]}))

        with pytest.raises(ValueError, match="Milvus is asked for 1000"):
            using(talk, path)


class TestCollections:
    def test_have_names_that_cannot_be_taken_for_each_other(self, path):
        names = ["a.b", "a_db", "a-b", "a_hb", "a__b", "_", "__", "A", "a", "1"]

        async def talk(store):
            for name in names:
                await store.add([item(name)], collection=name)
            found = [[one["id"] for one in await store.get(names, collection=n)] for n in names]
            return found, await store.collections()

        assert using(talk, path) == ([[name] for name in names], sorted(names))

    def test_of_other_programs_are_refused_and_not_listed(self, path):
        client = MilvusClient(path)
        for name in ("theirs", "headrace_1_default"):
            schema = MilvusClient.create_schema(auto_id=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
            client.create_collection(name, schema=schema)
        client.close()

        async def talk(store):
            with pytest.raises(ResourceError, match="not one of headrace-milvus's"):
                await store.add([item("a")])

        using(talk, path)


class TestAnAddress:
    """Milvus Lite at an address, spoken to as a server is; it is not a Milvus server."""

    @pytest.fixture
    def url(self, path):
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        server = Server(path, address)
        assert server.start()
        yield f"http://{address}"
        server.stop()

    def test_is_asked_for_what_a_file_is(self, url):
        async def talk(store):
            await store.add([item("a", metadata={"n": 1}), item("b", metadata={"n": 2})])
            by_words = VectorQuery("text b", mode="hybrid", vector=[1, 0], where={"n": {"gt": 1}})
            return await store.query(by_words)

        assert [found["id"] for found in using(talk, url=url)] == ["b"]

    def test_where_nobody_is_fails_the_opening_for_now(self):
        with pytest.raises(MilvusVectorError, match="Fail connecting") as caught:
            using(lambda store: store.count(), url="http://127.0.0.1:9", timeout=0.5)

        assert not isinstance(caught.value, NonRetryableError)
