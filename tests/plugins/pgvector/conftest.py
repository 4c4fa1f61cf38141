"""A PostgreSQL server with pgvector, and databases and schemas of it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.postgres import running, server

from headrace_pgvector import PgVectorStore

__all__ = ["running", "server"]  # fixtures


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
