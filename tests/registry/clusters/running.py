"""Jobs on a cluster of the tests, ended when a test is over."""

from __future__ import annotations

import itertools
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

from headrace_registry.clusters import ClusterError, wait_for_end

PROGRAM = Path(__file__).with_name("submitting.py")


class Jobs:
    """Submits jobs by their kinds; see ``submitting.py``."""

    def __init__(self, address):
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._numbers = itertools.count(1)
        self.names = {}

    def plan(self, kind, path):
        """Writes what is to be uploaded of a job; gives its id."""
        return self._ask(kind, path)

    @contextmanager
    def running(self, rest, kind):
        """A job of a kind, for some time; gives its id."""
        job = self._ask(kind)
        try:
            yield job
        finally:
            with suppress(ClusterError):
                rest.cancel(job)
                wait_for_end(rest, job)

    def _ask(self, kind, path=""):
        name = f"{kind}-{next(self._numbers)}"
        self._process.stdin.write(f"{kind} {name} {path}\n")
        self._process.stdin.flush()
        while not (line := self._process.stdout.readline()).startswith("job "):
            assert line, "the client that submits jobs has ended"
        job = line.split()[1]
        self.names[job] = name
        return job

    def close(self):
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()
