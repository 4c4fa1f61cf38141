"""``agents serve`` in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import httpx

__all__ = ["AGENTS", "Server"]

AGENTS = [sys.executable, "-c", "from headrace_cli.main import main; main()"]
"""What is typed as ``agents``."""


class Server:
    """A server that listens; whoever starts it ends it."""

    def __init__(self, folder, *arguments, **environment):
        self.process = subprocess.Popen(
            [*AGENTS, "serve", "--port", "0", *map(str, arguments)],
            cwd=folder,
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stderr.readline()
        found = re.search(r"http://\S+?:(\d+)/", line)
        assert found, line + self.process.stderr.read()
        self.url = f"http://127.0.0.1:{found[1]}"
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def ask(self, message, key="ada", **more):
        """The response to a question."""
        return self.http.post("/api/chat", json={"key": key, "message": message}, **more)

    def said(self, message, key="ada", **more):
        """What is answered."""
        return self.ask(message, key, **more).json()["outputs"]

    def end(self, number=signal.SIGTERM):
        """Ends it; gives its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(30)
        self.process.stderr.close()
        self.http.close()
        return self.process.returncode
