"""The life of a server that is a process: what it is given, how it dies, how it is ended."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from headrace.errors import NonRetryableError, ToolError
from headrace.interfaces import CALLER, Caller
from headrace.records import TELLER
from headrace.values import key_id
from headrace_mcp import McpTools
from headrace_mcp._sessions import backoff

FAILS = "nobody knows whether it did its work; it was not called again"


async def where(tools):
    return json.loads(await tools.call("where", {}))


class Begun:
    """An observer that waits until a call says that it has begun."""

    def __init__(self):
        self.event = asyncio.Event()

    def __call__(self, what, name, data):
        if what == "progress":
            self.event.set()

    async def call(self, tools, name, arguments=None):
        """Makes a call; gives its task when the server has begun with it."""
        token = TELLER.set(self)
        try:
            task = asyncio.ensure_future(tools.call(name, arguments or {}))
        finally:
            TELLER.reset(token)
        await self.event.wait()
        return task


# ---------------------------------------------------------------- what it is given
def test_a_server_is_not_given_the_workers_secrets(wire, using, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-worker")
    wire.offers("where")

    env = using(McpTools(command=wire.command), where)["env"]

    assert "sk-worker" not in env.values()


def test_a_server_is_given_what_is_named(wire, using, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "t 0")
    wire.offers("where")

    env = using(McpTools(command=wire.command, env=["SHOP_TOKEN"]), where)["env"]

    assert env["SHOP_TOKEN"] == os.environ["SHOP_TOKEN"]
    assert env["PATH"] == os.environ["PATH"]


def test_a_server_runs_in_the_folder_that_is_named(wire, using, tmp_path):
    wire.offers("where")

    assert using(McpTools(command=wire.command, cwd=str(tmp_path)), where)["cwd"] == str(tmp_path)


def test_all_calls_share_one_session(wire, using):
    wire.offers("where")

    async def use(tools):
        return await asyncio.gather(*(where(tools) for _ in range(50)))

    told = using(McpTools(command=wire.command), use)

    assert len({one["pid"] for one in told}) == 1
    assert sorted(one["calls"] for one in told) == list(range(1, 51))


# ---------------------------------------------------------------- one that dies
def test_a_call_whose_server_dies_fails_and_says_what_that_means(wire, calling):
    wire.offers("die")

    with pytest.raises(ToolError, match=FAILS) as failure:
        calling(McpTools(command=wire.command), "die")

    assert "ended with code 3; it last said on stderr: the disk is full" in str(failure.value)


def test_a_call_whose_server_dies_is_made_once(wire, calling):
    wire.offers("die")

    with pytest.raises(ToolError):
        calling(McpTools(command=wire.command), "die")

    assert [one["method"] for one in wire.received if "method" in one].count("tools/call") == 1


def test_a_server_that_died_is_started_again_by_the_next_call(wire, using):
    wire.offers("die", "where")

    async def use(tools):
        first = await where(tools)
        with pytest.raises(ToolError):
            await tools.call("die", {})
        return first, await where(tools)

    first, second = using(McpTools(command=wire.command), use)

    assert first["pid"] != second["pid"]


@pytest.mark.parametrize("hint", ["readOnlyHint", "idempotentHint"])
def test_a_call_that_does_no_harm_is_made_again(wire, tool, calling, tmp_path, hint):
    once = str(tmp_path / "once")
    wire.offers(tool("look", {"once": {"type": "string"}}, annotations={hint: True}))

    assert calling(McpTools(command=wire.command), "look", {"once": once}) == "alive"


def test_a_call_that_does_no_harm_is_made_twice_at_most(wire, tool, calling):
    wire.offers(tool("look", annotations={"readOnlyHint": True}))

    with pytest.raises(ToolError, match="lost twice"):
        calling(McpTools(command=wire.command), "look")


def test_all_calls_under_way_fail_when_the_server_dies(wire, run):
    wire.offers("never", "die")

    async def use():
        tools = McpTools(command=wire.command)
        await tools.open()
        waiting = [await Begun().call(tools, "never") for _ in range(5)]
        ends = asyncio.gather(*waiting, tools.call("die", {}), return_exceptions=True)
        failures = await ends
        await tools.close()
        return failures

    failures = run(use())

    assert [type(one) for one in failures] == [ToolError] * 6
    assert all(FAILS in str(one) for one in failures)


def test_one_that_dies_between_two_calls_is_not_noticed(wire, using):
    wire.offers("where")

    async def use(tools):
        first = await where(tools)
        os.kill(first["pid"], signal.SIGKILL)
        connection = await tools._sessions.get("")
        await asyncio.wait({connection._task})  # until that is noticed
        return first, await where(tools)

    first, second = using(McpTools(command=wire.command), use)

    assert second["pid"] != first["pid"]


def test_the_new_server_is_held_to_what_was_pinned(wire, tool, using):
    wire.offers("die", "echo")

    async def use(tools):
        with pytest.raises(ToolError):
            await tools.call("die", {})
        wire.offers("die", {**tool("echo"), "description": "Other."})
        with pytest.raises(NonRetryableError, match="is changed"):
            await tools.call("echo", {})

    using(McpTools(command=wire.command), use)


def test_what_a_server_says_on_stderr_is_bounded(wire, calling):
    wire.offers("die", last_words="x" * 1_000_000)

    with pytest.raises(ToolError) as failure:
        calling(McpTools(command=wire.command), "die")

    assert len(str(failure.value)) < 2_000


def test_a_secret_that_a_server_says_on_stderr_is_hidden(wire, calling, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "tok-0123456789")
    wire.offers("die", last_words="cannot log in with tok-0123456789")

    with pytest.raises(ToolError, match=r"log in with \*\*\*"):
        calling(McpTools(command=wire.command, env=["SHOP_TOKEN"]), "die")


def test_a_message_without_end_ends_the_session_and_not_the_worker(wire, using):
    wire.offers("long", "echo")

    async def use(tools):
        with pytest.raises(ToolError, match="a message of more than 16777216 bytes"):
            await tools.call("long", {})
        return await tools.call("echo", {})

    assert using(McpTools(command=wire.command), use) == "echo: {}"


def test_a_connection_that_is_made_again_is_told(wire, using, told):
    wire.offers("die", "echo")

    async def use(tools):
        with pytest.raises(ToolError):
            await tools.call("die", {})
        await tools.call("echo", {})

    using(McpTools(command=wire.command), use)

    assert [what for what, _, _ in told if what != "progress"] == ["connected", "lost", "connected"]


def test_a_server_that_cannot_be_started_again_is_not_to_be_had(wire, using):
    wire.offers("die", "echo")

    async def use(tools):
        with pytest.raises(ToolError):
            await tools.call("die", {})
        wire.offers("die", "echo", dies_at_start="no licence")
        with pytest.raises(ToolError, match="no licence"):
            await tools.call("echo", {})
        wire.offers("die", "echo", dies_at_start="")
        return await tools.call("echo", {})

    assert using(McpTools(command=wire.command), use) == "echo: {}"


def test_attempts_to_start_a_server_come_at_growing_distances():
    assert [backoff(failures) for failures in (0, 1, 2, 3)] == [0.0, 0.5, 1.0, 2.0]


def test_the_distance_has_a_limit():
    assert backoff(1000) == 30.0


# ---------------------------------------------------------------- calls that are given up
def test_a_call_that_is_given_up_is_cancelled_at_the_server(wire, using):
    wire.offers("never", "seen")

    async def use(tools):
        task = await Begun().call(tools, "never")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return json.loads(await tools.call("seen", {}))

    seen = using(McpTools(command=wire.command), use)

    [called] = [m for m in seen if m.get("params", {}).get("name") == "never"]
    [cancelled] = [m for m in seen if m.get("method") == "notifications/cancelled"]
    assert cancelled["params"]["requestId"] == called["id"]


@pytest.mark.slow
@pytest.mark.parametrize("http", [False, True], ids=["stdio", "http"])
def test_a_call_that_is_given_up_is_cancelled_under_the_newer_protocol(
    workshop, start_http, using, http
):
    async def use(tools):
        task = await Begun().call(tools, "rest")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await tools.call("stopped_resting", {})

    if http:
        with start_http() as url:
            assert using(McpTools(url=url), use) == "cancelled"
    else:
        assert using(McpTools(command=workshop), use) == "cancelled"


# ---------------------------------------------------------------- the end
def test_a_server_has_ended_when_the_tools_are_closed(wire, using, ended):
    wire.offers("where")

    pid = using(McpTools(command=wire.command), where)["pid"]

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_a_server_started_ends_with_it(wire, using, ended):
    wire.offers("child")

    child = using(McpTools(command=wire.command), lambda tools: tools.call("child", {}))

    assert ended(int(child))


def test_a_call_under_way_fails_when_the_tools_are_closed(wire, run):
    wire.offers("never")

    async def use():
        tools = McpTools(command=wire.command)
        await tools.open()
        task = await Begun().call(tools, "never")
        await tools.close()
        with pytest.raises(ToolError):
            await task

    run(use())


def test_a_server_ends_with_a_loop_that_cancels_its_tasks(wire, ended):
    wire.offers("where")
    tools = McpTools(command=wire.command)

    async def never_closed():
        await tools.open()
        return await where(tools)

    pid = asyncio.run(never_closed())["pid"]

    assert ended(pid)


OPENED = """
import asyncio, gc, json, os, select
from headrace_mcp import McpTools
tools = McpTools(command={command!r})
loop = asyncio.new_event_loop()
loop.run_until_complete(tools.open())
pid = json.loads(loop.run_until_complete(tools.call("where", {{}})))["pid"]
"""


def printed(code):
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()


def test_a_server_ends_with_a_loop_that_is_thrown_away(wire):
    wire.offers("where")
    code = """
watched = os.pidfd_open(pid)
loop.close()  # as a worker does whose job was cancelled
del tools
gc.collect()
print(bool(select.select([watched], [], [], 30)[0]))
"""

    assert printed(OPENED.format(command=wire.command) + code) == "True"


def test_a_server_ends_with_a_python_that_closes_nothing(wire, ended):
    wire.offers("where")

    pid = printed(OPENED.format(command=wire.command) + "print(pid)")

    assert ended(int(pid))


# ---------------------------------------------------------------- sessions by key
@contextmanager
def called_for(key):
    """As the runtime does it around a call for a key."""
    token = CALLER.set(Caller("agent", key_id(key), "run"))
    try:
        yield
    finally:
        CALLER.reset(token)


def test_each_key_has_a_session_of_its_own(wire, using):
    wire.offers("where")

    async def use(tools):
        found = []
        for key in ("ada", "bob", "ada"):
            with called_for(key):
                found.append(await where(tools))
        return [one["calls"] for one in found], [one["pid"] for one in found]

    calls, pids = using(McpTools(command=wire.command, sessions="key"), use)

    assert calls == [1, 1, 2]
    assert pids[0] == pids[2] != pids[1]


def test_keys_of_several_types_do_not_meet(wire, using):
    wire.offers("where")

    async def use(tools):
        pids = set()
        for key in (1, "1", 1.0, ("1",)):
            with called_for(key):
                pids.add((await where(tools))["pid"])
        return pids

    assert len(using(McpTools(command=wire.command, sessions="key"), use)) == 4


def test_a_call_that_is_no_agents_has_no_session(wire, calling):
    wire.offers("where")

    with pytest.raises(NonRetryableError, match="this call is no agent's"):
        calling(McpTools(command=wire.command, sessions="key"), "where")


def test_the_session_that_was_not_used_for_longest_makes_room(wire, using, ended):
    wire.offers("where")

    async def use(tools):
        found = []
        for key in ("a", "b", "a", "c", "a"):
            with called_for(key):
                found.append((await where(tools))["pid"])
        return found

    a, b, again, c, still = using(
        McpTools(command=wire.command, sessions="key", max_sessions=2), use
    )

    assert a == again == still
    assert len({a, b, c}) == 3
    assert ended(b)


def test_a_session_that_is_in_use_does_not_make_room(wire, using):
    wire.offers("never", "where")

    async def use(tools):
        with called_for("a"):
            task = await Begun().call(tools, "never")
        with called_for("b"), pytest.raises(ToolError, match="all 1 sessions"):
            await where(tools)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with called_for("b"):
            await where(tools)

    using(McpTools(command=wire.command, sessions="key", max_sessions=1), use)


def test_many_who_ask_at_once_wait_for_one_server(wire, run, using):
    wire.offers("where")
    pinned = run(McpTools(command=wire.command).pin())

    async def use(tools):
        return {one["pid"] for one in await asyncio.gather(*(where(tools) for _ in range(20)))}

    assert len(using(McpTools(command=wire.command, pinned=pinned), use)) == 1


# ---------------------------------------------------------------- what a server asks and tells
@pytest.mark.parametrize("name", ["sample", "elicit"])
def test_what_a_server_asks_of_us_is_declined_and_the_call_goes_on(wire, calling, name):
    wire.offers(name)

    answer = json.loads(calling(McpTools(command=wire.command), name))

    assert "not supported" in answer["message"]


def test_servers_are_not_told_that_they_may_ask(wire, run):
    run(McpTools(command=wire.command).pin())

    [hello] = [one for one in wire.received if one.get("method") == "initialize"]
    assert hello["params"]["capabilities"] == {}


@pytest.mark.slow
def test_what_a_server_asks_of_us_is_declined_under_the_newer_protocol(workshop_url, using):
    async def use(tools):
        with pytest.raises(ToolError):
            await tools.call("ask", {})
        return await tools.call("add", {"a": 1, "b": 2})

    assert using(McpTools(url=workshop_url), use) == {"result": 3}


def test_progress_is_told_to_who_watches(wire, calling, told):
    wire.offers("advance")

    calling(McpTools(command=wire.command), "advance")

    assert ("progress", "advance", {"progress": 1, "total": 3, "text": "begun"}) in told


def test_a_log_is_told_without_what_cannot_be_seen(wire, calling, told):
    wire.offers("log")

    calling(McpTools(command=wire.command), "log")

    assert ("logged", "wire", {"level": "warning", "text": "hot[31m", "calls": 1}) in told


@pytest.mark.slow
def test_progress_and_logs_are_told_over_http(workshop_url, calling, told):
    calling(McpTools(url=workshop_url), "work")

    assert ("progress", "work", {"progress": 1, "total": 2, "text": "half"}) in told
    assert [data["text"] for what, _, data in told if what == "logged"] == ["the saw is blunt"]


def test_nobody_is_asked_for_progress_where_nobody_watches(wire, calling):
    wire.offers("echo")

    calling(McpTools(command=wire.command), "echo")

    [called] = [one for one in wire.received if one.get("method") == "tools/call"]
    assert "_meta" not in called["params"]
