"""What the store does with a server that is there, away, full, read-only, or somebody else's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import ClassVar

import psycopg
import pytest

from headrace import Agent, Context, InputEvent, OutputEvent, action, run_local, use
from headrace.action_stores import ActionStoreError, CallRecord
from headrace.errors import ResourceError
from headrace_actions_postgres import PostgresActionStore

ONE = [CallRecord(0, "a-0", "1")]


def using(store, work):
    async def whole():
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(whole())


async def nothing(store):
    assert store is not None


class TestSettings:
    def test_faults_are_told_all_at_once_without_a_secret(self):
        with pytest.raises(ResourceError) as raised:
            PostgresActionStore(
                dsn_env="postgresql://user:hush@host/db",
                table="a; drop",
                pool_size=0,
                connect_timeout=0,
                statement_timeout=float("nan"),
            )

        text = str(raised.value)
        for part in ("dsn_env", "table", "pool_size", "connect_timeout", "statement_timeout"):
            assert part in text
        assert "hush" not in text

    @pytest.mark.parametrize("value", [None, "", " \n"])
    def test_a_missing_connection_string_is_named(self, monkeypatch, value):
        monkeypatch.delenv("CALLS", raising=False)
        if value is not None:
            monkeypatch.setenv("CALLS", value)

        with pytest.raises(ResourceError, match="set the environment variable CALLS"):
            asyncio.run(PostgresActionStore(dsn_env="CALLS").open())

    def test_what_is_no_connection_string_is_refused_without_being_shown(self, monkeypatch):
        monkeypatch.setenv("CALLS", "password=hush and more")

        with pytest.raises(ResourceError, match="CALLS holds no connection string") as raised:
            asyncio.run(PostgresActionStore(dsn_env="CALLS").open())
        assert "hush" not in str(raised.value)

    def test_compiling_a_plan_does_without_the_driver(self):
        code = (
            "import headrace_actions_postgres as p, sys; p.PostgresActionStore(); "
            "assert 'psycopg' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


class TestAServerThatIsAway:
    def test_opening_says_so_without_the_password(self, monkeypatch, tmp_path):
        monkeypatch.setenv("DATABASE_URL", f"host={tmp_path} user=u password=hush dbname=d")

        with pytest.raises(ActionStoreError, match="No such file") as raised:
            asyncio.run(PostgresActionStore(connect_timeout=2).open())
        assert "hush" not in str(raised.value)

    def test_no_error_carries_the_drivers(self, monkeypatch, tmp_path):
        monkeypatch.setenv("DATABASE_URL", f"host={tmp_path} user=u password=hush dbname=d")

        with pytest.raises(ActionStoreError) as raised:
            asyncio.run(PostgresActionStore(connect_timeout=2).open())
        assert (raised.value.__cause__, raised.value.__context__) == (None, None)

    def test_it_goes_on_after_a_restart(self, server, make):
        async def work(store):
            await store.append("job", ONE)
            server.stop()
            with pytest.raises(ActionStoreError):
                await store.append("job", ONE)
            server.start()
            await store.append("job", [CallRecord(0, "a-0", "2")])
            return await store.read("job", "a-0")

        assert using(make(connect_timeout=2.0), work) == ["1", "2"]

    def test_runs_wait_for_it_and_their_calls_are_made_once(self, server, table, caplog):
        def start_again():
            while "cannot" not in caplog.text:
                threading.Event().wait(0.01)
            server.start()

        Desk.made = 0
        using(PostgresActionStore(table=table), lambda store: store.append("other", ONE))
        server.stop()
        starter = threading.Thread(target=start_again)
        starter.start()
        outputs = run_local(Desk(table=table), ["a", "b"])
        starter.join()

        assert (sorted(outputs), Desk.made) == (["a", "b"], 2)


class Desk(Agent):
    table: str
    made: ClassVar[int] = 0

    def resources(self):
        return {"calls": use("action_stores", "postgres", table=self.table, connect_timeout=2.0)}

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=await ctx.call(effect, event.input)))


async def effect(value):
    Desk.made += 1
    return value


class TestAServerThatRefuses:
    def test_a_read_only_server_is_waited_for(self, server, make, monkeypatch):
        using(make(), lambda store: store.append("job", ONE))
        read_only = f"{server.dsn()} options='-c default_transaction_read_only=on'"
        monkeypatch.setenv("DATABASE_URL", read_only)

        with pytest.raises(ActionStoreError, match="read-only"):
            using(make(), lambda store: store.append("job", ONE))

    def test_a_table_of_somebody_else_is_refused(self, server, table, make):
        server.run(f"CREATE TABLE {table} (mine int)")

        with pytest.raises(ResourceError, match="is not one of this version"):
            using(make(), lambda store: store.runs("job", [0]))

    def test_missing_rights_are_told_at_once(self, server, make, monkeypatch):
        server.run("DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")
        monkeypatch.setenv("DATABASE_URL", server.dsn(user="guest"))

        with pytest.raises(ResourceError, match="permission denied"):
            using(make(), lambda store: store.append("job", ONE))

    def test_a_table_that_was_dropped_is_made_again(self, server, table, make):
        async def work(store):
            await store.append("job", ONE)
            server.run(f"DROP TABLE {table}")
            with pytest.raises(ActionStoreError):
                await store.append("job", ONE)
            await store.append("job", ONE)
            return await store.read("job", "a-0")

        assert using(make(), work) == ["1"]

    def test_a_statement_that_takes_too_long_is_given_up(self, server, table, make):
        using(make(), lambda store: store.append("job", ONE))

        with psycopg.connect(server.dsn()) as other:
            other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(ActionStoreError, match="timeout"):
                using(make(statement_timeout=0.2), lambda store: store.append("job", ONE))


class TestWhatItWrites:
    def test_each_group_is_on_the_servers_disk_whatever_the_databases_setting(
        self, server, table, make
    ):
        using(make(), nothing)
        server.run(
            f"CREATE TABLE {table}_seen (setting text)",
            f"CREATE FUNCTION {table}_look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT "
            f"INTO {table}_seen VALUES (current_setting('synchronous_commit')); "
            "RETURN NULL; END $$",
            f"CREATE CONSTRAINT TRIGGER look AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_look()",  # when the transaction commits
            "ALTER SYSTEM SET synchronous_commit = off",
            "SELECT pg_reload_conf()",
        )
        try:
            using(make(), lambda store: store.append("job", ONE))
            seen = server.run(f"SELECT setting FROM {table}_seen")
        finally:
            server.run("ALTER SYSTEM RESET synchronous_commit", "SELECT pg_reload_conf()")
            server.run(f"DROP TABLE {table}_seen", f"DROP FUNCTION {table}_look CASCADE")

        assert seen == [("on",)]

    def test_two_workers_that_make_the_table_do_not_fail(self, make):
        async def both():
            stores = [make() for _ in range(4)]
            await asyncio.gather(*(store.open() for store in stores))
            await asyncio.gather(*(store.append("job", ONE) for store in stores))
            found = await stores[0].read("job", "a-0")
            await asyncio.gather(*(store.close() for store in stores))
            return found

        assert asyncio.run(both()) == ["1"] * 4
