"""The connections to the server, the table, and the server's failures as ours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool

from headrace.action_stores import ActionStoreError
from headrace.errors import HeadraceError, ResourceError
from headrace.providers import Secrets

if TYPE_CHECKING:
    from psycopg.rows import TupleRow
    from typing_extensions import LiteralString

__all__ = ["Database"]

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
        statement_timeout: Seconds that a statement may take.

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
        self._ready = False
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
            name="headrace-actions",
        )

    async def open(self) -> None:
        """Sees that the server and the table are there.

        Raises:
            ResourceError: The server will not do.
            ActionStoreError: It cannot be reached.
        """
        try:
            # Not by the pool, which does not tell why there is no connection.
            async with await AsyncConnection.connect(**self._settings) as connection:
                await self._prepare(connection)
            await self._pool.open()
        except psycopg.Error as error:
            failure = self._failure(error)
        else:
            return
        raise failure

    async def close(self) -> None:
        """Closes all connections."""
        await self._pool.close()

    async def run(self, statement: LiteralString, *values: Any) -> list[TupleRow]:
        """What a statement gives, in a transaction of its own that lasts when it is over.

        Args:
            statement: It has ``{}`` where the table is named, and gives rows.
            *values: What it is bound to.

        Raises:
            ResourceError: The server refuses for good.
            ActionStoreError: It cannot be reached, or took too long.
        """
        try:
            async with self._pool.connection() as connection:
                if not self._ready:
                    await self._prepare(connection)
                async with connection.transaction():
                    await connection.execute(
                        "SELECT set_config('statement_timeout', %s, true), "
                        "set_config('synchronous_commit', 'on', true)",
                        [self._timeout],
                    )
                    made = sql.SQL(statement).format(self._table)
                    return await (await connection.execute(made, values)).fetchall()
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
