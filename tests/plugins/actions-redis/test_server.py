"""What the store does with servers that keep, forget, are away, full, or refuse."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import ClassVar

import pytest

from headrace import Agent, Context, InputEvent, OutputEvent, action, run_local, use
from headrace.action_stores import ActionStoreError, CallRecord
from headrace.errors import ResourceError
from headrace_actions_redis import RedisActionStore

ONE = [CallRecord(0, "a-0", "1")]


def using(store, work):
    async def whole():
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(whole())


async def append(store):
    await store.append("job", ONE)


async def nothing(store):
    assert store is not None


async def wait_for_the_disk_to_be_busy(server):
    """Has the server make much that its disk is to keep, until it waits for that."""
    for number in range(200):
        server.run("SET", "much", bytes([number]) * 2**23)
        if server.run("INFO", "persistence")["aof_pending_bio_fsync"]:
            return


class TestSettings:
    def test_faults_are_told_all_at_once_without_a_secret(self):
        with pytest.raises(ResourceError) as raised:
            RedisActionStore(
                url_env="redis://:hush@host", prefix="a b", durability="maybe", timeout=0
            )

        text = str(raised.value)
        for part in ("url_env", "prefix", "durability", "timeout"):
            assert part in text
        assert "hush" not in text

    @pytest.mark.parametrize("value", [None, "", " \n"])
    def test_a_missing_address_is_named(self, monkeypatch, value):
        monkeypatch.delenv("CALLS", raising=False)
        if value is not None:
            monkeypatch.setenv("CALLS", value)

        with pytest.raises(ResourceError, match="set the environment variable CALLS"):
            asyncio.run(RedisActionStore(url_env="CALLS").open())

    @pytest.mark.parametrize("address", ["http://:hush@host", "hush", "redis://:hush@host:port"])
    def test_what_is_no_address_is_refused_without_being_shown(self, monkeypatch, address):
        monkeypatch.setenv("CALLS", address)

        with pytest.raises(ResourceError, match="CALLS holds no address of Redis") as raised:
            asyncio.run(RedisActionStore(url_env="CALLS").open())
        assert "hush" not in str(raised.value)

    def test_compiling_a_plan_does_without_the_client(self):
        code = (
            "import headrace_actions_redis as r, sys; r.RedisActionStore(); "
            "assert 'redis' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


class TestWhatAServerKeeps:
    def test_a_killed_server_has_what_was_acknowledged(self, server, make):
        using(make(), append)
        server.kill()
        server.start()

        assert using(make(), lambda store: store.read("job", "a-0")) == ["1"]

    def test_so_has_one_whose_disk_was_busy(self, server, make):
        """Redis answers before it writes its file, while it waits for the disk."""

        async def work(store):
            await wait_for_the_disk_to_be_busy(server)
            await append(store)
            server.kill()

        using(make(), work)
        server.start()

        assert using(make(), lambda store: store.read("job", "a-0")) == ["1"]

    def test_what_a_full_disk_did_not_take_is_not_acknowledged(self, server, make):
        async def work(store):
            server.room(0)
            try:
                await append(store)
            finally:
                server.room(None)

        with pytest.raises(ActionStoreError, match="not in the server's append-only file yet"):
            using(make(timeout=0.5), work)

    @pytest.fixture
    def forgetful(self, servers, monkeypatch):
        made = servers()
        monkeypatch.setenv("REDIS_URL", made.url)
        return made

    def test_a_server_without_an_append_only_file_is_refused(self, forgetful):
        with pytest.raises(ResourceError, match=r"no append-only file.*Set `appendonly yes`"):
            using(RedisActionStore(), nothing)

    def test_it_may_be_taken_in_so_many_words(self, forgetful):
        using(RedisActionStore(durability="none"), append)

    def test_one_that_does_not_tell_what_it_keeps_is_refused(self, servers, monkeypatch):
        silent = servers("--appendonly", "yes", "--rename-command", "INFO", "")
        monkeypatch.setenv("REDIS_URL", silent.url)

        with pytest.raises(
            ResourceError, match=r"does not tell what it keeps: .* use INFO"
        ) as raised:
            using(RedisActionStore(durability="none"), nothing)
        assert (raised.value.__cause__, raised.value.__context__) == (None, None)

    def test_a_server_that_drops_keys_is_refused(self, servers, monkeypatch):
        full = ("--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru")
        monkeypatch.setenv("REDIS_URL", servers("--appendonly", "yes", *full).url)

        with pytest.raises(ResourceError, match="drops keys when its memory is full"):
            using(RedisActionStore(), nothing)

    def test_a_server_that_drops_only_keys_with_a_time_to_live_is_taken(self, servers, monkeypatch):
        full = ("--maxmemory", "50mb", "--maxmemory-policy", "volatile-lru")
        monkeypatch.setenv("REDIS_URL", servers("--appendonly", "yes", *full).url)

        using(RedisActionStore(), append)

    def test_the_disk_is_waited_for_where_each_write_goes_there(self, servers, monkeypatch):
        always = servers("--appendonly", "yes", "--appendfsync", "always")
        monkeypatch.setenv("REDIS_URL", always.url)

        using(RedisActionStore(durability="disk"), append)

    def test_a_disk_that_cannot_be_waited_for_is_no_disk(self, server):
        version = server.run("INFO", "server")["redis_version"]
        if tuple(int(part) for part in version.split(".")[:2]) >= (7, 2):
            using(RedisActionStore(durability="disk"), append)  # WAITAOF
            return

        with pytest.raises(ResourceError, match="needs `appendfsync always`"):
            using(RedisActionStore(durability="disk"), nothing)


class TestAServerThatIsAwayOrRefuses:
    def test_opening_says_so_without_the_password(self, monkeypatch, tmp_path):
        monkeypatch.setenv("REDIS_URL", f"unix://:hush@{tmp_path}/nobody")

        with pytest.raises(ActionStoreError) as raised:
            using(RedisActionStore(timeout=1), nothing)
        assert "hush" not in str(raised.value)
        assert (raised.value.__cause__, raised.value.__context__) == (None, None)

    def test_it_goes_on_after_a_restart(self, server, make):
        async def work(store):
            await store.append("job", ONE)
            server.kill()
            with pytest.raises(ActionStoreError):
                await store.append("job", ONE)
            server.start()
            await store.append("job", [CallRecord(0, "a-0", "2")])
            return await store.read("job", "a-0")

        assert using(make(timeout=2.0), work) == ["1", "2"]

    def test_a_wrong_password_is_told_without_being_shown(self, server, monkeypatch):
        monkeypatch.setenv("REDIS_URL", server.url.replace("s3cret", "hush"))

        with pytest.raises(ActionStoreError, match="invalid username-password") as raised:
            using(RedisActionStore(), nothing)
        assert "hush" not in str(raised.value)

    def test_a_full_server_takes_nothing_and_is_waited_for(self, servers, monkeypatch):
        full = servers("--appendonly", "yes")
        monkeypatch.setenv("REDIS_URL", full.url)

        async def work(store):
            await store.append("job", ONE)
            full.run("CONFIG", "SET", "maxmemory", "1mb")
            with pytest.raises(ActionStoreError, match="maxmemory"):
                await store.append("job", ONE)
            full.run("CONFIG", "SET", "maxmemory", "0")
            return await store.read("job", "a-0")

        assert using(RedisActionStore(), work) == ["1"]

    def test_a_replica_is_waited_for(self, servers, monkeypatch):
        replica = servers("--appendonly", "yes", "--replicaof", "127.0.0.1 1")
        monkeypatch.setenv("REDIS_URL", replica.url)

        with pytest.raises(ActionStoreError, match=r"read only replica|MASTERDOWN"):
            using(RedisActionStore(), append)

    def test_runs_wait_for_it_and_their_calls_are_made_once(self, server, caplog):
        def start_again():
            while "cannot" not in caplog.text:
                threading.Event().wait(0.01)
            server.start()

        Desk.made = 0
        server.kill()
        starter = threading.Thread(target=start_again)
        starter.start()
        try:
            outputs = run_local(Desk(), ["a", "b"])
        finally:
            starter.join()

        assert (sorted(outputs), Desk.made) == (["a", "b"], 2)


class Desk(Agent):
    made: ClassVar[int] = 0
    calls = use("action_stores", "redis", timeout=2.0)

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=await ctx.call(effect, event.input)))


async def effect(value):
    Desk.made += 1
    return value
