"""The action store: its settings, and what it asks the database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace.action_stores import ActionStore, KeptRun
from headrace.errors import ResourceError
from headrace.providers import variable_faults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.action_stores import CallRecord
    from headrace_actions_postgres._database import Database

__all__ = ["PostgresActionStore"]

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,47}")
_LONGEST = 3600.0


class PostgresActionStore(ActionStore):
    """Keeps entries in a table of PostgreSQL, which many jobs may share.

    Each group of entries is one statement in one transaction, which the server has on its disk when
    it answers (``synchronous_commit`` is switched on for it, whatever the database's own setting).

    The connection string holds a password, and arguments are part of the plan: it is named by the
    environment variable that the worker finds it in.

    Args:
        dsn_env: The name of the environment variable with the connection string; ``None`` for
            libpq's own variables (``PGHOST`` and the like).
        table: The table; made where it is not there.
        pool_size: Connections of one worker at most.
        connect_timeout: Seconds to wait for one.
        statement_timeout: Seconds that a statement may take.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(
        self,
        *,
        dsn_env: str | None = "DATABASE_URL",
        table: str = "headrace_actions",
        pool_size: int = 4,
        connect_timeout: float = 10.0,
        statement_timeout: float = 20.0,
    ) -> None:
        self._dsn_env = dsn_env
        self._table = table
        self._pool_size = pool_size
        self._connect_timeout = connect_timeout
        self._statement_timeout = statement_timeout
        self._database: Database | None = None
        if faults := self._faults():
            raise ResourceError("the action store cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Reads the connection string, and sees that the table is there.

        Raises:
            ResourceError: The variable holds nothing usable, or the server refuses for good.
            ActionStoreError: The server cannot be reached.
        """
        from headrace_actions_postgres._database import Database

        database = Database(
            self._dsn_env,
            self._table,
            pool_size=self._pool_size,
            connect_timeout=self._connect_timeout,
            statement_timeout=self._statement_timeout,
        )
        await database.open()
        self._database = database

    async def close(self) -> None:
        """Closes all connections."""
        database, self._database = self._database, None
        if database is not None:
            await database.close()

    async def append(self, job: str, records: Sequence[CallRecord]) -> None:
        """Keeps entries, all or none."""
        if len(records) == 1:  # the server plans it in half the time
            [one] = records
            await self._opened.append(
                "INSERT INTO {} (job, part, run, data) SELECT %s, %s::int, %s, %s FROM lasting",
                job,
                *one,
            )
            return
        # Arrays in binary form: as text, the driver and the server look at each letter of them.
        await self._opened.append(
            "INSERT INTO {} (job, part, run, data) SELECT %s, part, run, data "
            "FROM lasting, unnest(%b::int[], %b::text[], %b::text[]) "
            "WITH ORDINALITY AS given (part, run, data, number) ORDER BY number",
            job,
            [one.part for one in records],
            [one.run for one in records],
            [one.data for one in records],
        )

    async def runs(self, job: str, parts: Sequence[int]) -> Sequence[KeptRun]:
        """The runs that there are entries of."""
        rows = await self._opened.run(
            "SELECT part, run, extract(epoch FROM max(written))::float8 FROM {} "
            "WHERE job = %s AND part = ANY (%s::int[]) GROUP BY part, run",
            job,
            [*parts],
        )
        return [KeptRun(*row) for row in rows]

    async def read(self, job: str, run: str) -> Sequence[str]:
        """The entries of a run."""
        rows = await self._opened.run(
            "SELECT data FROM {} WHERE job = %s AND run = %s ORDER BY id", job, run
        )
        return [row[0] for row in rows]

    async def forget(self, job: str, runs: Sequence[str]) -> None:
        """Drops the entries of some runs."""
        # Where that is lost in a crash of the server, they are known for runs that are over.
        await self._opened.run(
            "DELETE FROM {} WHERE job = %s AND run = ANY (%b::text[]) RETURNING 1",
            job,
            [*runs],
            lasting=False,
        )

    @property
    def _opened(self) -> Database:
        if self._database is None:
            raise ResourceError("the action store is not open")
        return self._database

    def _faults(self) -> list[str]:
        faults = variable_faults({"dsn_env": self._dsn_env})
        if not isinstance(self._table, str) or not _NAME.fullmatch(self._table):
            faults.append(
                f"table must be a name of small letters, digits and _, of 48 at most, not "
                f"{self._table!r:.60}"
            )
        if not isinstance(self._pool_size, int) or not 1 <= self._pool_size <= 1000:  # noqa: PLR2004
            faults.append(f"pool_size must be 1 to 1000, not {self._pool_size!r:.60}")
        for name in ("connect_timeout", "statement_timeout"):
            value = getattr(self, f"_{name}")
            if not isinstance(value, (int, float)) or not 0 < value <= _LONGEST:
                faults.append(f"{name} must be seconds, up to {_LONGEST:g}, not {value!r:.60}")
        return faults
