"""A worker ends when the TaskManager is killed that it belongs to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="parents of other processes are seen in /proc only"
)
WORKER = """
import os, time
from headrace.jobs.worker import _end_with_taskmanager
_end_with_taskmanager()
print(os.getpid(), flush=True)
time.sleep(600)
"""
TASKMANAGER = """
import subprocess, sys
# The shell has to stay, as Flink's does, and not become the worker.
subprocess.run(["sh", "-c", '"$@" | cat', "sh", sys.executable, "-c", *sys.argv[1:]])
"""


def runs(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def started():
    """Starts a process that owns a shell that runs a worker; gives the owner and the worker."""
    made = []

    def start(*arguments):
        owner = subprocess.Popen(
            [sys.executable, "-c", TASKMANAGER, WORKER, *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        worker = int(owner.stdout.readline())
        made.append((owner, worker))
        return owner, worker

    yield start
    for owner, worker in made:
        owner.kill()
        if runs(worker):
            os.kill(worker, signal.SIGKILL)
        owner.wait()
        owner.stdout.close()


def test_it_ends_soon_after_its_taskmanager_was_killed(started):
    owner, worker = started("pyflink.fn_execution.beam.beam_boot")
    assert runs(worker)
    owner.kill()
    owner.wait()
    deadline = time.monotonic() + 60
    while runs(worker):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_process_that_is_no_worker_is_left_alone(started):
    _owner, worker = started("-")
    threads = list(Path(f"/proc/{worker}/task").iterdir())
    assert len(threads) == 1  # nothing watches there
