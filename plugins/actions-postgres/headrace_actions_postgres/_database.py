"""The connections to the server, the table, and the server's failures as ours."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool

from headrace.action_stores import ActionStoreError
from headrace.errors import HeadraceError, ResourceError
from headrace.providers import Secrets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from psycopg.rows import TupleRow
    from typing_extensions import LiteralString

__all__ = ["Database"]

T = TypeVar("T")

_MARK = "headrace-actions-postgres 1"
"""The table's comment: whose it is, and of which form."""
_SCHEMA: tuple[LiteralString, ...] = (
    """CREATE TABLE IF NOT EXISTS {0} (
        id bigint GENERATED ALWAYS AS IDENTITY,
        job text COLLATE "C" NOT NULL,
        part integer NOT NULL,
        run text COLLATE "C" NOT NULL,
        written timestamptz NOT NULL DEFAULT clock_timestamp(),
        data text NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS {1} ON {0} (job, run, id)",
    # Rows come and go: the place of what is dropped is to be used again soon.
    """ALTER TABLE {0} SET (autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_cost_delay = 0)""",
)
_LASTING: LiteralString = (
    "WITH lasting AS MATERIALIZED (SELECT set_config('synchronous_commit', 'on', true)) "
)
"""Makes what a statement with ``FROM lasting`` writes last, in the same round trip."""
_ENDING_SECONDS = 2.0
"""How long the driver may take to end what took too long."""
_SURE_SECONDS = 1.0
"""So long after an answer, the server is taken to be there still."""
_PASSING = (
    psycopg.OperationalError,  # away, overloaded, out of disk, too slow
    psycopg.InterfaceError,
    psycopg.errors.UndefinedTable,  # somebody dropped it: it is made again with the next open
    psycopg.errors.ReadOnlySqlTransaction,  # a standby, until it is promoted
)


class Database:
    """Connections that are shared by many runs.

    No failure carries the driver's own error, which knows the password.

    Args:
        dsn_env: The environment variable with the connection string, if any.
        table: The table's name, which was checked.
        pool_size: How many connections at most.
        connect_timeout: Seconds to wait for one.
        statement_timeout: Seconds that a statement may take, and a server that says nothing.

    Raises:
        ResourceError: The variable is not set, or holds no connection string.
    """

    def __init__(
        self,
        dsn_env: str | None,
        table: str,
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
        self._table_name = table
        self._table = sql.Identifier(table)
        self._index = sql.Identifier(f"{table}_by_run")
        self._timeout = f"{round(statement_timeout * 1000)}ms"
        self._seconds = statement_timeout
        self._statements: dict[str, bytes] = {}
        self._ready = False
        self._answered = 0.0
        self._kept: AsyncConnection[TupleRow] | None = None
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
            check=self._check,
            open=False,
            name="headrace-actions",
        )

    async def open(self) -> None:
        """Sees that the server and the table are there.

        Raises:
            ResourceError: The server will not do.
            ActionStoreError: It cannot be reached.
        """
        await self._told(self._open())

    async def close(self) -> None:
        """Closes all connections."""
        connection, self._kept = self._kept, None
        if connection is not None:
            await self._pool.putconn(connection)
        await self._pool.close()

    async def append(self, statement: LiteralString, *values: Any) -> None:
        """Writes what is on the server's disk when this returns, in one round trip.

        Args:
            statement: It has ``{}`` where the table is named, and selects ``FROM lasting``.
            *values: What it is bound to.

        Raises:
            ResourceError: The server refuses for good.
            ActionStoreError: It cannot be reached, or took too long.
        """
        await self._told(self._append(_LASTING + statement, values))

    async def run(
        self, statement: LiteralString, *values: Any, lasting: bool = True
    ) -> list[TupleRow]:
        """What a statement gives, in a transaction of its own.

        Args:
            statement: It has ``{}`` where the table is named, and gives rows.
            *values: What it is bound to.
            lasting: Whether what it has done is on the server's disk when this returns.

        Raises:
            ResourceError: The server refuses for good.
            ActionStoreError: It cannot be reached, or took too long.
        """
        return await self._told(self._run(statement, values, lasting=lasting))

    async def _open(self) -> None:
        # Not by the pool, which does not tell why there is no connection.
        connection = await AsyncConnection.connect(**self._settings)
        async with connection, self._in_time(connection):
            await self._prepare(connection)
        await self._pool.open()

    async def _append(self, statement: LiteralString, values: tuple[Any, ...]) -> None:
        connection = await self._writer()
        try:
            async with self._in_time(connection):
                if not self._ready:
                    await self._prepare(connection)
                await connection.execute(self._composed(statement), values)
        except BaseException:
            await self._pool.putconn(connection)
            raise
        self._answered = time.monotonic()
        await self._keep(connection)

    def _composed(self, statement: LiteralString) -> bytes:
        """A statement with the table's name: made once, for it takes as long as sending it."""
        made = self._statements.get(statement)
        if made is None:
            made = self._statements[statement] = sql.SQL(statement).format(self._table).as_bytes()
        return made

    async def _writer(self) -> AsyncConnection[TupleRow]:
        """A connection: that of the last writing, as the pool takes longer than a group."""
        connection, self._kept = self._kept, None
        if connection is not None and not self._in_doubt:
            return connection
        if connection is not None:
            await self._pool.putconn(connection)
        return await self._pool.getconn()

    async def _keep(self, connection: AsyncConnection[TupleRow]) -> None:
        if self._kept is None:
            self._kept = connection
        else:
            await self._pool.putconn(connection)

    async def _run(
        self, statement: LiteralString, values: tuple[Any, ...], *, lasting: bool
    ) -> list[TupleRow]:
        async with self._pool.connection() as connection, self._in_time(connection):
            if not self._ready:
                await self._prepare(connection)
            async with connection.transaction():
                await connection.execute(
                    "SELECT set_config('statement_timeout', %s, true), "
                    "set_config('synchronous_commit', %s, true)",
                    [self._timeout, "on" if lasting else "off"],
                )
                cursor = await connection.execute(self._composed(statement), values)
                rows = await cursor.fetchall()
        self._answered = time.monotonic()
        return rows

    async def _check(self, connection: AsyncConnection[TupleRow]) -> None:
        """Sees that a connection of the pool is of use, where there is doubt."""
        if self._in_doubt:
            async with self._in_time(connection):
                await AsyncConnectionPool.check_connection(connection)

    @property
    def _in_doubt(self) -> bool:
        return not self._ready or time.monotonic() - self._answered > _SURE_SECONDS

    @asynccontextmanager
    async def _in_time(self, connection: AsyncConnection[TupleRow]) -> AsyncIterator[None]:
        """Ends what takes too long: by asking the server, and then without it.

        Raises:
            psycopg.OperationalError: It took too long.
        """
        loop = asyncio.get_running_loop()
        asking: asyncio.Task[None] | None = None

        def ask() -> None:
            nonlocal asking
            asking = loop.create_task(connection.cancel_safe(timeout=_ENDING_SECONDS))

        timers = (
            loop.call_later(self._seconds, ask),
            loop.call_later(self._seconds + _ENDING_SECONDS, _break, connection),
        )
        try:
            yield
        except psycopg.Error:
            if asking is None:
                raise
        finally:
            for timer in timers:
                timer.cancel()
        if asking is not None:
            await asyncio.gather(asking, return_exceptions=True)
            await connection.close()  # the request may come late, and end something else
            raise psycopg.OperationalError(f"timeout: no answer within {self._seconds:g} s")

    async def _told(self, work: Awaitable[T]) -> T:
        """What it gives; the driver's failures become ours, outside of ``except``."""
        try:
            return await work
        except psycopg.Error as error:
            self._ready = False
            failure = self._failure(error)
        raise failure

    async def _prepare(self, connection: AsyncConnection[TupleRow]) -> None:
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise ResourceError(f"the database's encoding is {encoding}: it must be UTF8")
        if not await self._is_there(connection):
            async with connection.transaction():
                # One worker at a time makes it.
                await connection.execute(
                    "SELECT pg_advisory_xact_lock(hashtextextended('headrace-actions', 0))"
                )
                # "IF NOT EXISTS": what a session knows of tables may be older than the lock.
                await self._make(connection)
        self._ready = True

    async def _is_there(self, connection: AsyncConnection[TupleRow]) -> bool:
        cursor = await connection.execute(
            "SELECT obj_description(wanted.oid, 'pg_class') "
            "FROM (SELECT to_regclass(%s)::oid AS oid) AS wanted WHERE wanted.oid IS NOT NULL",
            [self._table.as_string(connection)],
        )
        found = await cursor.fetchone()
        if found is not None and found[0] != _MARK:
            raise ResourceError(
                f"the table {self._table_name} is not one of this version of "
                f"headrace-actions-postgres (its comment is {found[0]!r:.50}, not {_MARK!r}): "
                "upgrade, or name another table"
            )
        return found is not None

    async def _make(self, connection: AsyncConnection[TupleRow]) -> None:
        for statement in _SCHEMA:
            await connection.execute(sql.SQL(statement).format(self._table, self._index))
        await connection.execute(
            sql.SQL("COMMENT ON TABLE {} IS {}").format(self._table, sql.Literal(_MARK))
        )

    def _failure(self, error: psycopg.Error) -> HeadraceError:
        text = self._secrets.hide(" ".join(str(error).split()) or type(error).__name__)
        state = f" ({error.sqlstate})" if error.sqlstate else ""
        kind = ActionStoreError if isinstance(error, _PASSING) else ResourceError
        return kind(f"PostgreSQL ({self._where}): {text}{state}")


def _break(connection: AsyncConnection[TupleRow]) -> None:
    with suppress(OSError, psycopg.Error):  # it may be closed by now
        end = socket.socket(fileno=os.dup(connection.fileno()))
        try:
            end.shutdown(socket.SHUT_RDWR)
        finally:
            end.close()


def _read_dsn(dsn_env: str | None) -> str:
    if dsn_env is None:
        return ""
    dsn = os.environ.get(dsn_env, "").strip()
    if not dsn:
        raise ResourceError(
            "the action store needs a connection string that this worker does not have: set the "
            f"environment variable {dsn_env}"
        )
    return dsn


def _parsed(dsn: str) -> dict[str, Any] | None:
    """``None`` where it is none: the driver's error would show it."""
    try:
        return dict(conninfo_to_dict(dsn))
    except psycopg.Error:
        return None
