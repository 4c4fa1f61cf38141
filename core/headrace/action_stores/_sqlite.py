"""The embedded action store: one SQLite file, shared by the workers of one machine."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.action_stores._interface import ActionStore, ActionStoreError, CallRecord, KeptRun
from headrace.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["SqliteActionStore"]

T = TypeVar("T")

_APPLICATION = 0x68724153  # "hrAS": whose file it is
_FORMAT = 1
_SCHEMA = """
CREATE TABLE records (id INTEGER PRIMARY KEY, job TEXT NOT NULL, run TEXT NOT NULL,
    part INTEGER NOT NULL, written REAL NOT NULL, data TEXT NOT NULL);
CREATE INDEX records_by_run ON records (job, run);
"""
_AT_A_TIME = 500
_FREED_PAGES = 256
"""How many free pages are given back to the disk with each forgetting."""


class SqliteActionStore(ActionStore):
    """Keeps entries in a SQLite file. Each group of them is on the disk when ``append`` returns.

    Args:
        path: The file; made where it is not there. It belongs on a disk of this machine, not on a
            network's: SQLite's locks do not hold there.
        busy_timeout: Seconds to wait for other workers that write just now.

    Raises:
        ResourceError: The time is none.
    """

    def __init__(self, path: str, *, busy_timeout: float = 10.0) -> None:
        if not 0 < busy_timeout <= 3600:  # noqa: PLR2004 - an hour
            raise ResourceError(
                f"busy_timeout is a number of seconds up to 3600, not {busy_timeout}"
            )
        self._path = Path(path)
        self._busy_timeout = busy_timeout
        self._thread: ThreadPoolExecutor | None = None
        self._db: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Opens the file.

        Raises:
            ResourceError: It is no action store, or of a newer version.
            ActionStoreError: It cannot be used now.
        """
        await self._in_thread(self._prepare)

    async def close(self) -> None:
        """Closes the file."""
        if self._thread is None:
            return
        thread, self._thread = self._thread, None
        await asyncio.get_running_loop().run_in_executor(thread, self._close)
        thread.shutdown(wait=False)

    async def append(self, job: str, records: Sequence[CallRecord]) -> None:
        """Keeps entries, in one transaction."""
        now = time.time()
        rows = [(job, one.run, one.part, now, one.data) for one in records]
        await self._in_thread(
            lambda: self._write(
                "INSERT INTO records (job, run, part, written, data) VALUES (?, ?, ?, ?, ?)", rows
            )
        )

    async def runs(self, job: str, parts: Sequence[int]) -> Sequence[KeptRun]:
        """The runs that there are entries of."""
        wanted = frozenset(parts)
        rows = await self._in_thread(
            lambda: self._read(
                "SELECT part, run, max(written) FROM records WHERE job = ? GROUP BY run", job
            )
        )
        return [KeptRun(*row) for row in rows if row[0] in wanted]

    async def read(self, job: str, run: str) -> Sequence[str]:
        """The entries of a run."""
        rows = await self._in_thread(
            lambda: self._read(
                "SELECT data FROM records WHERE job = ? AND run = ? ORDER BY id", job, run
            )
        )
        return [row[0] for row in rows]

    async def forget(self, job: str, runs: Sequence[str]) -> None:
        """Drops the entries of some runs, and gives their place back to the disk."""
        for start in range(0, len(runs), _AT_A_TIME):
            rows = [(job, run) for run in runs[start : start + _AT_A_TIME]]
            await self._in_thread(
                lambda rows=rows: self._write(  # type: ignore[misc]
                    "DELETE FROM records WHERE job = ? AND run = ?", rows, shrink=True
                )
            )

    # ------------------------------------------------------------ in the thread
    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._thread is None:  # one: SQLite's connection is used by one at a time
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="headrace-actions")
        failure: Exception
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, lambda: self._guarded(work)
            )
        except sqlite3.Error as error:
            if "not a database" in str(error):
                failure = self._not_ours(str(error))
            else:
                failure = ActionStoreError(f"the action store {self._path}: {error}")
        raise failure

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except sqlite3.Error:
            self._close()  # the file may be another one by the next time
            raise

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            self._prepare()
        assert self._db is not None  # noqa: S101 - just made
        return self._db

    def _prepare(self) -> None:
        if self._db is not None:
            return
        db = sqlite3.connect(
            self._path,
            timeout=self._busy_timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # counts for a new file
            self._adopt(db)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")  # it is to outlive the machine's power, too
        except BaseException:
            db.close()
            raise
        self._db = db

    def _adopt(self, db: sqlite3.Connection) -> None:
        with _transaction(db):
            [(application,)] = db.execute("PRAGMA application_id")
            [(version,)] = db.execute("PRAGMA user_version")
            [(tables,)] = db.execute("SELECT count(*) FROM sqlite_master")
            if tables or application:
                if application != _APPLICATION:
                    raise self._not_ours("it holds something else")
                if version != _FORMAT:
                    raise self._not_ours(f"its format is {version}, this is {_FORMAT}")
                return
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA application_id={_APPLICATION}")
            db.execute(f"PRAGMA user_version={_FORMAT}")

    def _write(
        self, statement: str, rows: Sequence[tuple[object, ...]], *, shrink: bool = False
    ) -> None:
        db = self._connection()
        with _transaction(db):
            db.executemany(statement, rows)
        if shrink:
            db.execute(f"PRAGMA incremental_vacuum({_FREED_PAGES})").fetchall()

    def _read(self, statement: str, *bound: object) -> list[Any]:
        return self._connection().execute(statement, bound).fetchall()

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _not_ours(self, why: str) -> ResourceError:
        return ResourceError(
            f"{self._path} is no action store of this headrace ({why}): name another file"
        )


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
