"""Runs whose store's server hangs, restarts, is full, or takes nothing."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager

import pytest
from tests.chaos.network import Link
from tests.troubled_stores import Desk, TroubledServer

from headrace.action_stores import ActionStoreError, CallRecord

ONE = [CallRecord(0, "a-0", "1")]
QUICK = {"connect_timeout": 2.0, "statement_timeout": 1.5}


@pytest.fixture
def link(server, monkeypatch):
    """What the store's connections go through; nobody asks for their password."""
    server.run("DROP ROLE IF EXISTS clerk", "CREATE ROLE clerk LOGIN SUPERUSER")
    with Link(str(server.socket)) as link:
        who = "dbname=postgres user=clerk password=hush sslmode=disable"
        monkeypatch.setenv("DATABASE_URL", f"host=127.0.0.1 port={link.port} {who}")
        yield link


@pytest.mark.slow
class TestTrouble(TroubledServer):
    @pytest.fixture
    def desk(self, table, link):
        assert link.port
        return Desk(store="postgres", arguments={"table": table, **QUICK})

    @pytest.fixture
    def afterwards(self, make, link):
        assert link.port
        return make()

    @pytest.fixture(params=["silent", "cut", "restarted", "read_only", "full", "refusing"])
    def trouble(self, request, server, table, link):
        return getattr(self, request.param)(server, table, link)

    @contextmanager
    def silent(self, _server, _table, link):
        link.be("half_open")
        yield
        link.be("open")

    @contextmanager
    def cut(self, _server, _table, link):
        link.be("cut")
        yield
        link.be("open")

    @contextmanager
    def restarted(self, server, _table, _link):
        server.stop()
        yield
        server.start()

    @contextmanager
    def read_only(self, server, _table, _link):
        with server.setting("default_transaction_read_only", "on"):
            yield

    @contextmanager
    def full(self, server, table, _link):
        """The server says what one says whose disk is full."""
        server.run(
            f"CREATE FUNCTION {table}_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device'; "
            "END $$",
            f"CREATE TRIGGER disk BEFORE INSERT ON {table} EXECUTE FUNCTION {table}_full()",
        )
        yield
        server.run(f"DROP FUNCTION {table}_full CASCADE")

    @contextmanager
    def refusing(self, server, _table, _link):
        """The password is not the right one, for connections from now on."""
        end = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'headrace'"
        )
        with server.asking_for_passwords("clerk"):
            server.run(end)
            yield


@pytest.mark.slow
class TestASilentServer:
    def test_opening_gives_up(self, link, make):
        link.be("half_open")

        with pytest.raises(ActionStoreError, match="timeout"):
            asyncio.run(make(**QUICK).open())

    @pytest.mark.parametrize("what", ["append", "runs", "read", "forget"])
    def test_every_call_gives_up_and_works_again_later(self, link, make, what):
        def call(store):
            if what == "append":
                return store.append("job", ONE)
            if what == "runs":
                return store.runs("job", [0])
            return store.read("job", "a-0") if what == "read" else store.forget("job", ["a-0"])

        async def work():
            store = make(**QUICK)
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
