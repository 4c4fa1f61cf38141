"""A Redis server, one for each process of tests, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis

from headrace_actions_redis import RedisActionStore

PROGRAM = shutil.which("redis-server")
PASSWORD = "s3cret-pass/word"  # noqa: S105 - of nobody


class Server:
    """A server at a socket, which can be stopped and started again with what it keeps."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.folder = folder
        self.settings = settings
        self.url = f"unix://:s3cret-pass%2Fword@{folder}/socket"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self._process is not None:
            return
        self._process = subprocess.Popen(
            [
                str(PROGRAM),
                *("--port", "0", "--unixsocket", str(self.folder / "socket")),
                *("--dir", str(self.folder), "--requirepass", PASSWORD, "--save", ""),
                *("--logfile", str(self.folder / "log"), *self.settings),
            ]
        )
        waiting = threading.Event()
        while True:
            try:
                self.run("PING")
            except (redis.ConnectionError, FileNotFoundError):
                assert self._process.poll() is None, (self.folder / "log").read_text()
                waiting.wait(0.02)
            else:
                return

    def kill(self) -> None:
        """As ``kill -9`` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def run(self, *command: object) -> Any:
        """Runs a command."""
        return self.run_as(PASSWORD, *command)

    def run_as(self, password: str, *command: object) -> Any:
        """Runs a command with a password of its own."""
        path = str(self.folder / "socket")
        with redis.Redis(unix_socket_path=path, password=password, decode_responses=True) as client:
            return client.execute_command(*command)


@pytest.fixture(scope="session")
def servers():
    """Makes servers with settings of their own."""
    if PROGRAM is None:
        if os.environ.get("HEADRACE_REQUIRE_REDIS"):
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    made = []
    with tempfile.TemporaryDirectory(prefix="hr-re-") as folder:

        def make(*settings: str) -> Server:
            own = Path(folder) / str(len(made))
            own.mkdir()
            made.append(Server(own, *settings))
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
