"""The connections to the server, and its failures as ours."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool

from headrace.errors import HeadraceError, ResourceError
from headrace.providers import Secrets
from headrace_pgvector._errors import PgVectorError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from psycopg.rows import TupleRow

__all__ = ["Database"]

T = TypeVar("T")

_ITERATIVE = (0, 8)
"""The first pgvector whose index goes on when a condition leaves too few."""


class Database:
    """Connections that are shared by many runs.

    No failure carries the driver's own error, which knows the password.

    Args:
        dsn_env: The environment variable with the connection string, if any.
        pool_size: How many connections at most.
        connect_timeout: Seconds to wait for one.
        statement_timeout: Seconds that a statement may take.

    Raises:
        ResourceError: The variable is not set, or holds no connection string.
    """

    def __init__(
        self,
        dsn_env: str | None,
        *,
        pool_size: int,
        connect_timeout: float,
        statement_timeout: float,
    ) -> None:
        dsn = _read_dsn(dsn_env)
        parameters = _parsed(dsn)
        if parameters is None:
            raise ResourceError(
                f"the environment variable {dsn_env} holds no connection string of PostgreSQL: "
                "postgresql://user:password@host/database"
            )
        self._secrets = Secrets((dsn, str(parameters.get("password") or "")))
        self._where = dsn_env or "PGHOST and the like"
        self._statement_timeout = statement_timeout
        self._settings: dict[str, Any] = {
            "application_name": "headrace",
            **parameters,
            "connect_timeout": max(2, round(connect_timeout)),  # libpq takes no less
            "client_encoding": "utf8",
            "autocommit": True,
            "prepare_threshold": None,  # so that a pooler may stand in between
        }
        self._pool: AsyncConnectionPool[AsyncConnection[TupleRow]] = AsyncConnectionPool(
            "",
            kwargs=self._settings,
            min_size=0,
            max_size=pool_size,
            timeout=connect_timeout,
            reconnect_timeout=connect_timeout,
            check=AsyncConnectionPool.check_connection,
            open=False,
            name="headrace-pgvector",
        )

    async def open(self, *, iterative: bool) -> None:
        """Sees that the server is there and has pgvector.

        Args:
            iterative: Whether pgvector must be one whose index takes conditions.

        Raises:
            ResourceError: The server will not do.
            PgVectorError: It cannot be reached.
        """
        await self.told(self._open(iterative=iterative))

    async def close(self) -> None:
        """Closes all connections."""
        await self._pool.close()

    async def told(self, work: Awaitable[T]) -> T:
        """Gives what it gives; the driver's failures become ours.

        They are raised outside of ``except``, so that they stand alone.

        Raises:
            ResourceError: The server refuses for good.
            PgVectorError: It cannot be reached, or took too long.
        """
        try:
            return await work
        except psycopg.Error as error:
            failure = self._failure(error)
        raise failure

    @asynccontextmanager
    async def transaction(
        self, *, timeout: float | None = None, **settings: Any
    ) -> AsyncIterator[AsyncConnection[TupleRow]]:
        """A connection with a transaction begun.

        Args:
            timeout: Seconds that a statement may take; the database's own where ``None``, and 0
                for no limit.
            settings: Of the server, for this transaction; ``__`` stands for a dot.
        """
        seconds = self._statement_timeout if timeout is None else timeout
        settings = {"statement_timeout": f"{round(seconds * 1000)}ms", **settings}
        calls = ", ".join(["set_config(%s, %s, true)"] * len(settings))
        values = [
            part
            for name, value in settings.items()
            for part in (name.replace("__", "."), str(value))
        ]
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(f"SELECT {calls}", values)
            yield connection

    async def _open(self, *, iterative: bool) -> None:
        # Not by the pool, which does not tell why there is no connection.
        async with await AsyncConnection.connect(**self._settings) as connection:
            await self._prepare(connection, iterative=iterative)
        await self._pool.open()

    async def _prepare(self, connection: AsyncConnection[TupleRow], *, iterative: bool) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise ResourceError(f"the database's encoding is {encoding}: it must be UTF8")
        if await self._extension(connection) is None:
            await self._create_extension(connection)
        version = await self._extension(connection) or ""
        if iterative and tuple(map(int, version.split(".")[:2])) < _ITERATIVE:
            raise ResourceError(
                f"the server's pgvector is {version}, whose index finds too little where there is "
                "a condition: upgrade it to 0.8, or leave `index` out"
            )

    async def _create_extension(self, connection: AsyncConnection[TupleRow]) -> None:
        failure = ""
        try:
            async with connection.transaction():
                await lock(connection)
                await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except psycopg.errors.InsufficientPrivilege:
            failure = (
                "the database has no pgvector yet, and this user may not add it: have a superuser "
                "run CREATE EXTENSION vector in it"
            )
        except (psycopg.errors.FeatureNotSupported, psycopg.errors.UndefinedFile):
            failure = (
                "the server has no pgvector: install the package for its version of PostgreSQL, "
                "such as postgresql-17-pgvector"
            )
        if failure:
            raise ResourceError(failure)

    @staticmethod
    async def _extension(connection: AsyncConnection[TupleRow]) -> str | None:
        cursor = await connection.execute(
            "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
        )
        found = await cursor.fetchone()
        return None if found is None else str(found[0])

    def _failure(self, error: psycopg.Error) -> HeadraceError:
        text = self._secrets.hide(" ".join(str(error).split()) or type(error).__name__)
        state = f" ({error.sqlstate})" if error.sqlstate else ""
        # A table that is gone was there a moment ago: another worker has dropped the collection.
        passing = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.UndefinedTable)
        if isinstance(error, passing):
            return PgVectorError(f"PostgreSQL ({self._where}): {text}{state}")
        return ResourceError(f"PostgreSQL ({self._where}): {text}{state}")


async def lock(connection: AsyncConnection[TupleRow]) -> None:
    """Lets one worker at a time make what is not there, until its transaction ends."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('headrace-pgvector', 0))"
    )


def _read_dsn(dsn_env: str | None) -> str:
    if dsn_env is None:
        return ""
    dsn = os.environ.get(dsn_env, "").strip()
    if not dsn:
        raise ResourceError(
            "the pgvector store needs a connection string that this worker does not have: set the "
            f"environment variable {dsn_env}"
        )
    return dsn


def _parsed(dsn: str) -> dict[str, Any] | None:
    """``None`` where it is none: the driver's error would show it."""
    try:
        return dict(conninfo_to_dict(dsn))
    except psycopg.Error:
        return None
