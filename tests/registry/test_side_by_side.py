"""Work side by side: in order, failing at once, and left behind when it is interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from headrace_registry._side_by_side import side_by_side

INTERRUPTED = """
import os, signal, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
from headrace_registry._side_by_side import side_by_side

def work(_):
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait()

side_by_side(work, [1], 1)
"""


def test_results_come_in_the_order_of_the_items():
    first = threading.Event()

    def work(number):
        if number == 0:
            assert first.wait(30)
        else:
            first.set()
        return number * 10

    assert side_by_side(work, [0, 1, 2], 2) == [0, 10, 20]


def test_no_more_than_asked_for_go_on_at_once():
    lock, running, most = threading.Lock(), [], []

    def work(number):
        with lock:
            running.append(number)
            most.append(len(running))
        with lock:
            running.remove(number)

    side_by_side(work, range(50), 3)
    assert max(most) <= 3


def test_a_failure_is_raised_without_waiting_for_the_others():
    go_on = threading.Event()

    def work(number):
        if number == 0:
            go_on.wait(60)
        raise ValueError(f"number {number}")

    with pytest.raises(ValueError, match="number 1"):
        side_by_side(work, [0, 1], 2)
    go_on.set()


def test_nothing_is_nothing():
    assert side_by_side(str, [], 4) == []


def test_an_interrupt_waits_for_nobody():
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in done.stderr
