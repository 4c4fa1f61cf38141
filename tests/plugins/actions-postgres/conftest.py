"""A PostgreSQL server, and a table of it."""

from __future__ import annotations

from uuid import uuid4

import pytest
from tests.postgres import running, server

from headrace_actions_postgres import PostgresActionStore

__all__ = ["running", "server"]  # fixtures


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
