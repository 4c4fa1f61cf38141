"""A worker ends when its TaskManager is gone or Flink ends it, and closes first."""

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
print(os.getppid(), os.getpid(), flush=True)
time.sleep(600)
"""
CLOSING = """
import os, sys, time
from headrace.jobs import worker
worker._LOOK_EVERY = 0.05
worker._CLOSING_SECONDS = float(sys.argv[2])
worker._end_with_taskmanager()
shell = os.getppid()
with worker.closing():
    print(shell, os.getpid(), flush=True)
    while os.getppid() == shell:
        time.sleep(0.01)
    time.sleep(1)  # twenty looks
    print("closed", flush=True)
time.sleep(600)
"""
BOOT = "pyflink.fn_execution.beam.beam_boot"
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
    """Starts a process that owns a shell that runs a worker; gives all three."""
    made = []

    def start(*arguments, code=WORKER):
        owner = subprocess.Popen(
            [sys.executable, "-c", TASKMANAGER, code, *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        shell, worker = map(int, owner.stdout.readline().split())
        made.append((owner, worker))
        return owner, shell, worker

    yield start
    for owner, worker in made:
        owner.kill()
        if runs(worker):
            os.kill(worker, signal.SIGKILL)
        owner.wait()
        owner.stdout.close()


def wait_for_the_end_of(worker):
    deadline = time.monotonic() + 60
    while runs(worker):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_ends_soon_after_its_taskmanager_was_killed(started):
    owner, _shell, worker = started(BOOT)
    assert runs(worker)
    owner.kill()
    owner.wait()
    wait_for_the_end_of(worker)


def test_it_ends_soon_after_its_shell_was(started):
    _owner, shell, worker = started(BOOT)
    os.kill(shell, signal.SIGTERM)
    wait_for_the_end_of(worker)


def test_it_closes_first_where_it_has_begun_to(started):
    owner, shell, worker = started(BOOT, "20", code=CLOSING)
    os.kill(shell, signal.SIGTERM)

    assert owner.stdout.readline() == "closed\n"
    wait_for_the_end_of(worker)


def test_it_is_not_left_more_than_its_time_to_close(started):
    owner, shell, worker = started(BOOT, "0.1", code=CLOSING)
    os.kill(shell, signal.SIGTERM)

    wait_for_the_end_of(worker)
    owner.wait()
    assert owner.stdout.read() == ""


def test_a_process_that_is_no_worker_is_left_alone(started):
    _owner, _shell, worker = started("-")
    threads = list(Path(f"/proc/{worker}/task").iterdir())
    assert len(threads) == 1  # nothing watches there
