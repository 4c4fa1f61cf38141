"""Runs whose store's server hangs, is cut off, killed, full, or refuses."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from uuid import uuid4

import pytest
from tests.chaos.network import Link
from tests.redis_server import PASSWORD
from tests.troubled_stores import Desk, TroubledServer

from headrace.action_stores import ActionStoreError, CallRecord
from headrace_actions_redis import RedisActionStore

ONE = [CallRecord(0, "a-0", "1")]
QUICK = {"timeout": 1.5}


@pytest.fixture
def link(server, monkeypatch):
    """What the store's connections go through."""
    with Link(str(server.folder / "socket")) as link:
        monkeypatch.setenv("REDIS_URL", f"redis://:s3cret-pass%2Fword@127.0.0.1:{link.port}/0")
        yield link


@pytest.fixture
def prefix():
    return f"t{uuid4().hex}"


@pytest.mark.slow
class TestTrouble(TroubledServer):
    @pytest.fixture
    def desk(self, prefix, link):
        assert link.port
        return Desk(store="redis", arguments={"prefix": prefix, **QUICK})

    @pytest.fixture
    def afterwards(self, prefix, link):
        assert link.port
        return RedisActionStore(prefix=prefix)

    @pytest.fixture(params=["silent", "cut", "killed", "full", "without_room", "refusing"])
    def trouble(self, request, server, link):
        return getattr(self, request.param)(server, link)

    @contextmanager
    def silent(self, _server, link):
        link.be("half_open")
        yield
        link.be("open")

    @contextmanager
    def cut(self, _server, link):
        link.be("cut")
        yield
        link.be("open")

    @contextmanager
    def killed(self, server, _link):
        server.kill()
        yield
        server.start()

    @contextmanager
    def full(self, server, _link):
        server.run("CONFIG", "SET", "maxmemory", "1mb")
        yield
        server.run("CONFIG", "SET", "maxmemory", "0")

    @contextmanager
    def without_room(self, server, _link):
        """Its disk is full."""
        server.room(0)
        yield
        server.room(None)

    @contextmanager
    def refusing(self, server, _link):
        """The password is not the right one any more, for connections from now on."""
        server.run("ACL", "SETUSER", "default", "resetpass", ">another")
        server.run_as("another", "CLIENT", "KILL", "TYPE", "normal")
        yield
        server.run_as("another", "ACL", "SETUSER", "default", "resetpass", f">{PASSWORD}")


@pytest.mark.slow
class TestASilentServer:
    def test_opening_gives_up(self, link):
        link.be("half_open")

        with pytest.raises(ActionStoreError, match="Timeout"):
            asyncio.run(RedisActionStore(**QUICK).open())

    @pytest.mark.parametrize("what", ["append", "runs", "read", "forget"])
    def test_every_call_gives_up_and_works_again_later(self, link, prefix, what):
        def call(store):
            if what == "append":
                return store.append("job", ONE)
            if what == "runs":
                return store.runs("job", [0])
            return store.read("job", "a-0") if what == "read" else store.forget("job", ["a-0"])

        async def work():
            store = RedisActionStore(prefix=prefix, **QUICK)
            await store.open()
            try:
                await call(store)
                link.be("half_open")
                with pytest.raises(ActionStoreError):
                    await call(store)
                link.be("open")
                await call(store)
            finally:
                await store.close()

        asyncio.run(work())
