"""Servers that are real processes, and what tests do with them."""

from __future__ import annotations

import asyncio
import json
import os
import select
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import mcp_types.methods
import pytest

SERVERS = Path(__file__).parent / "servers"
VERSION = "2025-11-25"
if str(SERVERS) not in sys.path:
    sys.path.insert(0, str(SERVERS))

TEXT = {"type": "string", "description": "A text."}


def wire_tool(name, properties=None, **more):
    """A tool as a server lists it."""
    properties = properties or {}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"name": name, "description": f"Does {name}.", "inputSchema": schema, **more}


class WireServer:
    """A script for the server that is written by hand, and what it received.

    Attributes:
        command: Starts it.
        script: What it does; see servers/wire.py.
    """

    def __init__(self, folder):
        self.folder = folder
        self.command = [sys.executable, "-S", str(SERVERS / "wire.py"), str(folder)]
        self.script = {"tools": [wire_tool("echo", {"text": TEXT})]}
        self.write()

    def offers(self, *tools, **more):
        """Sets the tools (names or whole ones), and more of the script."""
        whole = [wire_tool(one) if isinstance(one, str) else one for one in tools]
        self.script = {**self.script, "tools": whole, **more}
        self.write()
        return self

    def write(self):
        (self.folder / "script.json").write_text(json.dumps(self.script))

    @property
    def received(self):
        with suppress(FileNotFoundError):
            lines = (self.folder / "received.jsonl").read_text().splitlines()
            return [json.loads(line) for line in lines]
        return []

    def check(self):
        """Holds each message against the SDK's own types for the version that was agreed on."""
        for message in self.received:
            method, params = message.get("method"), message.get("params")
            if method is None or method == "server/discover":  # an answer; asks for a newer version
                continue
            if "id" in message:
                mcp_types.methods.validate_client_request(method, VERSION, params)
            else:
                mcp_types.methods.validate_client_notification(method, VERSION, params)


@pytest.fixture
def wire(tmp_path):
    folder = tmp_path / "wire"
    folder.mkdir()
    server = WireServer(folder)
    yield server
    server.check()


@pytest.fixture
def tool():
    return wire_tool


@pytest.fixture(scope="session")
def workshop():
    """The command of the server that is written with the SDK."""
    return [sys.executable, str(SERVERS / "workshop.py")]


@pytest.fixture(scope="session")
def start_http(workshop):
    """Starts the same server over HTTP; a context manager that gives its address."""

    @contextmanager
    def start(*flags, command=workshop):
        process = subprocess.Popen([*command, "--http", *flags], stdout=subprocess.PIPE, text=True)
        try:
            port = process.stdout.readline().strip()
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    return start


@pytest.fixture(scope="session")
def workshop_url(start_http):
    """The address of one that serves all tests: they must leave it as it was."""
    with start_http() as url:
        yield url


@pytest.fixture
def run():
    """Runs a coroutine to its end, within a minute."""

    def bounded(coroutine):
        async def whole():
            return await asyncio.wait_for(coroutine, 60)

        return asyncio.run(whole())

    return bounded


@pytest.fixture
def using(run):
    """Opens a toolset, uses it, and closes it."""

    def whole(tools, use):
        async def used():
            await tools.open()
            try:
                return await use(tools)
            finally:
                await tools.close()

        return run(used())

    return whole


@pytest.fixture
def calling(using):
    """What one call of a toolset gives."""

    def call(tools, name, arguments=None):
        return using(tools, lambda opened: opened.call(name, arguments or {}))

    return call


@pytest.fixture
def guarded(monkeypatch, tmp_path):
    """A server and its authorization server; tokens are kept in a folder of the test's."""
    from guarded_server import SECRET, Guarded

    monkeypatch.setenv("SHOP_SECRET", SECRET)
    monkeypatch.setenv("HEADRACE_MCP_TOKENS", str(tmp_path / "kept"))
    servers = Guarded()
    servers.provider.machines["job"] = SECRET
    yield servers
    servers.close()


@pytest.fixture
def told():
    """What observers are told while the test runs, as (what, name, data)."""
    from headrace.records import TELLER

    heard = []
    token = TELLER.set(lambda what, name, data: heard.append((what, name, data)))
    yield heard
    TELLER.reset(token)


@pytest.fixture
def ended():
    """Waits until a process is no more, or is a zombie that nobody fetched."""

    def wait(pid):
        try:
            watched = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            ready, _, _ = select.select([watched], [], [], 30)
            return bool(ready)
        finally:
            os.close(watched)

    return wait
