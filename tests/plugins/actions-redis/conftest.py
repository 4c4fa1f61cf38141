"""A Redis server, one for each process of tests, in a folder of its own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest
from tests.redis_server import PROGRAM, RedisServer

from headrace_actions_redis import RedisActionStore


@pytest.fixture(scope="session")
def servers():
    """Makes servers with settings of their own."""
    if PROGRAM is None:
        if os.environ.get("HEADRACE_REQUIRE_REDIS"):
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    made = []
    with tempfile.TemporaryDirectory(prefix="hr-re-") as folder:

        def make(*settings: str) -> RedisServer:
            own = Path(folder) / str(len(made))
            own.mkdir()
            made.append(RedisServer(own, *settings))
            made[-1].start()
            return made[-1]

        try:
            yield make
        finally:
            for server in made:
                server.kill()


@pytest.fixture(scope="session")
def lasting(servers):
    return servers("--appendonly", "yes")


@pytest.fixture
def server(lasting, monkeypatch):
    """A server with an append-only file; ``REDIS_URL`` names it."""
    lasting.start()
    monkeypatch.setenv("REDIS_URL", lasting.url)
    return lasting


@pytest.fixture
def make(server):
    """Makes stores whose keys are the test's own."""
    prefix = f"t{uuid4().hex}"
    return lambda **more: RedisActionStore(prefix=prefix, **more)
