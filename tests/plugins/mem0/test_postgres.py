"""Another of mem0's stores, given by its settings: pgvector, on a real server."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from tests.postgres import Postgres

from headrace.errors import ResourceError
from headrace.testing import MemoryBackendSuite


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL server of its own; its address."""
    with tempfile.TemporaryDirectory(prefix="hr-pm-") as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder))
        yield server.url
        server.end()


@pytest.fixture
def postgres(server, monkeypatch, memory, request):
    """Makes memories on one table of the server."""
    import psycopg

    monkeypatch.setenv("MEMORY_DSN", server)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS memories")

    def made(**arguments):
        return memory(
            path=None,
            provider="pgvector",
            config={"collection_name": "memories", "hnsw": False},
            secrets={"connection_string": "MEMORY_DSN"},
            **arguments,
        )

    return made


class TestPostgres(MemoryBackendSuite):
    learns = True

    @pytest.fixture
    def make(self, postgres, scripted):
        return lambda: postgres(model=scripted())


def test_several_workers_may_have_a_server_open(postgres):
    scope = {"agent": "desk", "key": "k", "user": "ada"}

    async def go():
        workers = [postgres() for _ in range(3)]
        for worker in workers:
            await worker.open()
        try:
            await asyncio.gather(
                *(w.add(scope, f"m-{n}", f"Tea {n}.", {}) for w in workers for n in range(8))
            )
            return [item["id"] async for item in workers[0].export(scope)]
        finally:
            for worker in workers:
                await worker.close()

    assert sorted(asyncio.run(asyncio.wait_for(go(), 60))) == [f"m-{n}" for n in range(8)]


def test_an_error_of_the_stores_that_quotes_a_secret_does_not_show_it(postgres, monkeypatch):
    from headrace_mem0 import _store

    def refuse(provider, config, dimensions):
        raise RuntimeError(f"cannot connect to {config['connection_string']}")

    monkeypatch.setattr(_store, "make_memory", refuse)
    monkeypatch.setenv("MEMORY_DSN", "postgresql://u:s3cret@127.0.0.1:1/d")
    with pytest.raises(ResourceError, match="pgvector cannot be opened") as caught:
        asyncio.run(postgres().open())
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
