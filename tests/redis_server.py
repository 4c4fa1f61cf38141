"""A Redis server for tests, in a folder of its own, at a socket."""

from __future__ import annotations

import resource
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import redis

__all__ = ["PASSWORD", "PROGRAM", "RedisServer"]

PROGRAM = shutil.which("redis-server")
PASSWORD = "s3cret-pass/word"  # noqa: S105 - of nobody


class RedisServer:
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
                *("--auto-aof-rewrite-percentage", "0"),  # by a process that a kill would leave
                *("--logfile", str(self.folder / "log"), *self.settings),
            ],
            restore_signals=False,  # no room ends no process: SIGXFSZ is ignored, as by Python
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

    def room(self, size: int | None) -> None:
        """Lets no file of the server grow beyond so many bytes, as if its disk was full."""
        assert self._process is not None
        _, most = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
        soft = most if size is None else size
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (soft, most))

    def run(self, *command: object) -> Any:
        """Runs a command."""
        return self.run_as(PASSWORD, *command)

    def run_as(self, password: str, *command: object) -> Any:
        """Runs a command with a password of its own."""
        path = str(self.folder / "socket")
        with redis.Redis(unix_socket_path=path, password=password, decode_responses=True) as client:
            return client.execute_command(*command)
