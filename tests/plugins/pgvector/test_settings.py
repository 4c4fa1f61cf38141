"""What the store is set up with, and when the driver is loaded."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from headrace.errors import ResourceError
from headrace.vectors import VectorQuery
from headrace_pgvector import PgVectorError, PgVectorStore


class TestFaults:
    def test_are_told_all_at_once_without_a_secret(self):
        with pytest.raises(ResourceError) as caught:
            PgVectorStore(
                "a b",
                dsn_env="postgresql://user:hush@host/db",
                index="ivfflat",
                m=1,
                ef_construction=2000,
                ef_search=0,
                pool_size=0,
                connect_timeout=0,
                statement_timeout=float("nan"),
            )

        text = str(caught.value)
        for part in ("collection", "dsn_env", "index", "m must", "ef_construction", "ef_search"):
            assert part in text
        for part in ("pool_size", "connect_timeout", "statement_timeout"):
            assert part in text
        assert "hush" not in text

    def test_of_numbers_that_do_not_fit_each_other(self):
        with pytest.raises(ResourceError, match="ef_construction must be at least twice m"):
            PgVectorStore("c", index="hnsw", m=40)

    @pytest.mark.parametrize("collection", ["", ".", "-a", "a b", "ä", 'a"b', "a" * 49, "a\n"])
    def test_of_collections(self, collection):
        with pytest.raises(ResourceError, match="collection must be"):
            PgVectorStore(collection)


class TestConnectionStrings:
    @pytest.mark.parametrize("value", [None, "", " \n"])
    def test_that_are_missing_are_named_when_the_store_is_opened(self, monkeypatch, value):
        monkeypatch.delenv("VECTORS", raising=False)
        if value is not None:
            monkeypatch.setenv("VECTORS", value)

        with pytest.raises(ResourceError, match="set the environment variable VECTORS"):
            asyncio.run(PgVectorStore("c", dsn_env="VECTORS").open())

    def test_may_be_libpqs_own_variables(self, server, stores, monkeypatch):
        monkeypatch.delenv("DATABASE_URL")
        for part in server.dsn().split():
            name, _, value = part.partition("=")
            names = {"dbname": "DATABASE"}
            monkeypatch.setenv(f"PG{names.get(name, name.upper())}", value)

        async def go():
            store = stores("c", dsn_env=None)
            await store.open()
            await store.add([{"id": "a", "text": "", "vector": [1]}])
            count = await store.count()
            await store.close()
            return count

        assert asyncio.run(go()) == 1


class TestLife:
    @pytest.mark.parametrize(
        "use",
        [
            lambda store: store.add([{"id": "a", "text": "", "vector": [1]}]),
            lambda store: store.query(VectorQuery(vector=[1], limit=1)),
            lambda store: store.get(["a"]),
            lambda store: store.delete(["a"]),
            lambda store: store.count(),
        ],
        ids=["add", "search", "get", "delete", "count"],
    )
    def test_begins_with_opening(self, use):
        with pytest.raises(ResourceError, match="not open"):
            asyncio.run(use(PgVectorStore("c")))

    def test_ends_with_closing(self, server, stores):
        async def go():
            store = stores("c")
            await store.open()
            await store.close()
            await store.count()

        with pytest.raises(ResourceError, match="not open"):
            asyncio.run(go())

    def test_leaves_no_connection(self, server, stores):
        async def go():
            store = stores("c")
            await store.open()
            await store.add([{"id": "a", "text": "", "vector": [1]}])
            await asyncio.gather(*(store.count() for _ in range(10)))
            await store.close()

        asyncio.run(go())

        left = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'headrace'"
        while server.run(left):  # a server's process ends a moment after its client
            pass

    def test_begins_once_the_server_is_there(self, server, stores):
        async def go():
            store = stores("c", connect_timeout=2)
            with pytest.raises(PgVectorError):
                await store.open()
            server.start()
            await store.open()
            count = await store.count()
            await store.close()
            return count

        server.stop()
        try:
            assert asyncio.run(go()) == 0
        finally:
            server.start()

    def test_loads_the_driver_only_when_opened(self):
        code = (
            "import sys, headrace_pgvector\n"
            "headrace_pgvector.PgVectorStore('c')\n"
            "assert not {'psycopg', 'psycopg_pool'} & set(sys.modules)"
        )

        subprocess.run([sys.executable, "-c", code], check=True)

    def test_is_found_by_its_entry_point(self):
        (point,) = entry_points(group="headrace.vector_stores", name="pgvector")

        assert point.load() is PgVectorStore
        assert not {"dsn", "password"} & {*inspect.signature(PgVectorStore).parameters}
