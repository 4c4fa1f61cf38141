"""The vector store: its settings."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, TypeVar

from headrace.errors import ResourceError
from headrace.providers import variable_faults
from headrace.vectors import VectorStore

if TYPE_CHECKING:
    from array import array
    from collections.abc import Awaitable, Callable, Sequence

    from headrace.vectors import Change, Row, VectorItem, VectorQuery
    from headrace_pgvector._database import Database
    from headrace_pgvector._table import HnswIndex, Table

__all__ = ["PgVectorStore"]

T = TypeVar("T")

_LANGUAGE = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_RANGES = {
    "m": (2, 100),
    "ef_construction": (4, 1000),
    "ef_search": (1, 1000),
    "pool_size": (1, 1000),
}
"""What pgvector takes, and what is a pool."""


class PgVectorStore(VectorStore):
    """Keeps texts and their vectors in tables of PostgreSQL, one for each collection.

    It searches by words too, through PostgreSQL's full text search, and by both. A query's
    ``native`` may have ``ef_search``.

    The connection string holds a password, and arguments are part of the plan: it is named by the
    environment variable that the worker finds it in.

    Args:
        collection: The collection that is meant where none is named: letters, digits, ``_``, ``.``
            and ``-``.
        embedder: The agent's embedding model that texts without vectors are given to.
        dsn_env: The name of the environment variable with the connection string; ``None`` for
            libpq's own variables (``PGHOST`` and the like).
        index: ``hnsw`` for an index, which finds most of the nearest quickly; without, all vectors
            are looked at and none is missed.
        m: Links of each vector in the index.
        ef_construction: Candidates that the index looks at for each vector that is added.
        ef_search: Candidates that it looks at in a search; at least as many as are wanted.
        language: The configuration of PostgreSQL's text search, such as ``english``: which words
            are the same, and which are left out. Collections are indexed for the one that they
            were made with; with another, searches by words look at all texts.
        pool_size: Connections at most.
        connect_timeout: Seconds to wait for a connection.
        statement_timeout: Seconds that a statement may take.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    modes = frozenset({"vector", "keyword", "hybrid"})
    native = frozenset({"ef_search"})

    def __init__(
        self,
        collection: str = "default",
        *,
        embedder: str | None = None,
        dsn_env: str | None = "DATABASE_URL",
        index: str | None = None,
        m: int = 16,
        ef_construction: int = 64,
        ef_search: int = 40,
        language: str = "simple",
        pool_size: int = 4,
        connect_timeout: float = 10.0,
        statement_timeout: float = 30.0,
    ) -> None:
        self.collection = collection
        self.embedder = embedder
        self._language = language
        self._dsn_env = dsn_env
        self._index = index
        self._numbers = {
            "m": m,
            "ef_construction": ef_construction,
            "ef_search": ef_search,
            "pool_size": pool_size,
        }
        self._seconds = {
            "connect_timeout": connect_timeout,
            "statement_timeout": statement_timeout,
        }
        self._database: Database | None = None
        self._index_wanted: HnswIndex | None = None
        self._tables: dict[str, Table] = {}
        if faults := self._faults():
            raise ResourceError("the pgvector store cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Reads the connection string, and sees that the server has pgvector.

        Raises:
            ResourceError: The environment variable is not set or holds nothing usable, or the
                server has no pgvector and it cannot be added.
            PgVectorError: The server cannot be reached.
        """
        from headrace_pgvector._database import Database
        from headrace_pgvector._table import HnswIndex

        numbers = self._numbers
        database = Database(self._dsn_env, pool_size=numbers["pool_size"], **self._seconds)
        await database.open(iterative=self._index is not None)
        index = None
        if self._index is not None:
            index = HnswIndex(numbers["m"], numbers["ef_construction"], numbers["ef_search"])
        self._index_wanted = index
        self._database = database

    async def close(self) -> None:
        """Closes all connections."""
        database, self._database = self._database, None
        self._tables.clear()
        if database is not None:
            await database.close()

    @classmethod
    def faults_of(cls, query: VectorQuery) -> list[str]:
        """What the store cannot do of what is asked."""
        candidates = query.native.get("ef_search", 1)
        low, high = _RANGES["ef_search"]
        fits = isinstance(candidates, int) and low <= candidates <= high
        wrong = [] if fits else [f"native: ef_search must be {low} to {high}"]
        return super().faults_of(query) + wrong

    async def _put(self, collection: str, rows: Sequence[Row]) -> None:
        await self._do(collection, lambda table: table.add(rows))

    async def _change(self, collection: str, changes: Sequence[Change]) -> list[str]:
        return await self._do(collection, lambda table: table.change(changes))

    async def _nearest(
        self, collection: str, vector: array[float], query: VectorQuery
    ) -> list[VectorItem]:
        return await self._do(collection, lambda table: table.nearest(vector, query))

    async def _matching(self, collection: str, words: str, query: VectorQuery) -> list[VectorItem]:
        return await self._do(collection, lambda table: table.matching(words, query))

    async def _get(self, collection: str, ids: Sequence[str]) -> list[VectorItem]:
        return await self._do(collection, lambda table: table.get(ids))

    async def _delete(self, collection: str, ids: Sequence[str]) -> None:
        await self._do(collection, lambda table: table.delete(ids))

    async def _count(self, collection: str) -> int:
        return await self._do(collection, lambda table: table.count())

    async def _collections(self) -> list[str]:
        from headrace_pgvector._table import collections_of

        database = self._opened()
        return await database.told(collections_of(database))

    async def _create(self, collection: str, dimensions: int) -> int:
        return await self._do(collection, lambda table: table.create(dimensions))

    async def _drop(self, collection: str) -> None:
        await self._do(collection, lambda table: table.drop())

    async def _do(self, collection: str, work: Callable[[Table], Awaitable[T]]) -> T:
        from headrace_pgvector._table import Table

        database = self._opened()
        table = self._tables.get(collection)
        if table is None:
            table = Table(database, collection, self._index_wanted, self._language)
            self._tables[collection] = table
        return await database.told(work(table))

    def _opened(self) -> Database:
        if self._database is None:
            raise ResourceError("the pgvector store is not open: await store.open() first")
        return self._database

    def _faults(self) -> list[str]:
        faults = []
        faults += self.collection_faults(self.collection)
        if not _LANGUAGE.fullmatch(self._language):
            faults.append("language must be a configuration of text search, such as english")
        if self._index not in {None, "hnsw"}:
            faults.append("index must be left out or hnsw")
        for name, value in self._numbers.items():
            low, high = _RANGES[name]
            if not low <= value <= high:
                faults.append(f"{name} must be {low} to {high}")
        if self._numbers["ef_construction"] < 2 * self._numbers["m"]:
            faults.append("ef_construction must be at least twice m")
        for name, seconds in self._seconds.items():
            if not (math.isfinite(seconds) and seconds > 0):
                faults.append(f"{name} must be a number of seconds")
        return faults + variable_faults({"dsn_env": self._dsn_env})
