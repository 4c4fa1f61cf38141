"""It is an action store as the runtime relies on it, on a real server."""

from __future__ import annotations

import pytest

from headrace.testing import ActionStoreSuite
from headrace_actions_postgres import PostgresActionStore


class TestPostgres(ActionStoreSuite):
    @pytest.fixture
    def make(self, table):
        return lambda: PostgresActionStore(table=table)
