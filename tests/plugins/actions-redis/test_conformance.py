"""It is an action store as the runtime relies on it, on a real server."""

from __future__ import annotations

from uuid import uuid4

import pytest

from headrace.testing import ActionStoreSuite
from headrace_actions_redis import RedisActionStore


class TestRedis(ActionStoreSuite):
    @pytest.fixture
    def make(self, server):
        prefix = f"t{uuid4().hex}"
        return lambda: RedisActionStore(prefix=prefix)
