"""What the tests of the store share."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from headrace_sqlite_vec import SqliteVectorStore


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "vectors.db")


@pytest.fixture
def opened():
    """Opens a store, and closes it at the end."""

    @asynccontextmanager
    async def opening(*given, **more):
        store = SqliteVectorStore(*given, **more)
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    return opening


@pytest.fixture
def using(opened):
    """Runs a coroutine function with an open store."""

    def run(talk, *given, **more):
        async def go():
            async with opened(*given, **more) as store:
                return await talk(store)

        return asyncio.run(go())

    return run


@pytest.fixture
def item():
    """Makes items."""

    def make(name, *vector, **metadata):
        vector = vector or (1.0, 0.0, 0.0)
        return {"id": name, "text": f"text of {name}", "metadata": metadata, "vector": [*vector]}

    return make
