"""The vector store: its settings."""

from __future__ import annotations

import asyncio
import math
import re
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.errors import ResourceError
from headrace.filters import check_filter
from headrace.interfaces import VectorStore
from headrace.providers import variable_faults
from headrace.vectors import rows_of, storable, unit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from headrace.interfaces import VectorItem
    from headrace_pgvector._database import Database
    from headrace_pgvector._table import Table

__all__ = ["PgVectorStore"]

T = TypeVar("T")

_COLLECTION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,47}")
_RANGES = {
    "m": (2, 100),
    "ef_construction": (4, 1000),
    "ef_search": (1, 1000),
    "pool_size": (1, 1000),
}
"""What pgvector takes, and what is a pool."""


class PgVectorStore(VectorStore):
    """Keeps texts and their vectors in a table of PostgreSQL.

    The connection string holds a password, and arguments are part of the plan: it is named by the
    environment variable that the worker finds it in.

    Args:
        collection: Whose table it is: letters, digits, ``_``, ``.`` and ``-``.
        dsn_env: The name of the environment variable with the connection string; ``None`` for
            libpq's own variables (``PGHOST`` and the like).
        index: ``hnsw`` for an index, which finds most of the nearest quickly; without, all vectors
            are looked at and none is missed.
        m: Links of each vector in the index.
        ef_construction: Candidates that the index looks at for each vector that is added.
        ef_search: Candidates that it looks at in a search; at least as many as are wanted.
        pool_size: Connections at most.
        connect_timeout: Seconds to wait for a connection.
        statement_timeout: Seconds that a statement may take.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(
        self,
        collection: str = "default",
        *,
        dsn_env: str | None = "DATABASE_URL",
        index: str | None = None,
        m: int = 16,
        ef_construction: int = 64,
        ef_search: int = 40,
        pool_size: int = 4,
        connect_timeout: float = 10.0,
        statement_timeout: float = 30.0,
    ) -> None:
        self._collection = collection
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
        self._table: Table | None = None
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
        from headrace_pgvector._table import HnswIndex, Table

        numbers = self._numbers
        database = Database(self._dsn_env, pool_size=numbers["pool_size"], **self._seconds)
        await database.open(iterative=self._index is not None)
        index = None
        if self._index is not None:
            index = HnswIndex(numbers["m"], numbers["ef_construction"], numbers["ef_search"])
        self._database = database
        self._table = Table(database, self._collection, index)

    async def close(self) -> None:
        """Closes all connections."""
        database, self._database, self._table = self._database, None, None
        if database is not None:
            await database.close()

    async def add(self, items: Sequence[VectorItem]) -> None:
        """Keeps items in one transaction; of two with one ``id``, the last.

        The first makes the table, for vectors of its length.

        Raises:
            ValueError: An item cannot be kept; none was.
            ResourceError: The server refuses for good.
            PgVectorError: The server cannot be reached, or took too long.
        """
        if items:  # in a thread: bringing many vectors to length one takes its time
            rows = await asyncio.to_thread(rows_of, list(items))
            await self._do(lambda table: table.add(rows))

    async def search(
        self,
        vector: Sequence[float],
        limit: int,
        *,
        where: Mapping[str, Any] | None = None,
    ) -> list[VectorItem]:
        """The nearest items among those that fulfil the condition, best first.

        Raises:
            ValueError: The vector or the condition cannot be.
            ResourceError: The server refuses for good.
            PgVectorError: The server cannot be reached, or took too long.
        """
        asked = unit(vector)
        check_filter(where)
        if limit < 1:
            return []
        return await self._do(lambda table: table.search(asked, limit, where))

    async def get(self, ids: Sequence[str]) -> list[VectorItem]:
        """The items of ids, in that order, without their vectors."""
        names = [name for name in ids if storable(name)]
        return await self._do(lambda table: table.get(names))

    async def delete(self, ids: Sequence[str]) -> None:
        """Drops items in one transaction."""
        names = [name for name in ids if storable(name)]
        await self._do(lambda table: table.delete(names))

    async def count(self) -> int:
        """How many items the collection has."""
        return await self._do(lambda table: table.count())

    async def _do(self, work: Callable[[Table], Awaitable[T]]) -> T:
        database, table = self._database, self._table
        if database is None or table is None:
            raise ResourceError("the pgvector store is not open: await store.open() first")
        return await database.told(work(table))

    def _faults(self) -> list[str]:
        faults = []
        if not _COLLECTION.fullmatch(self._collection):
            faults.append(
                "collection must be 1 to 48 letters, digits, _, . and -, and not begin with . or -"
            )
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
