"""What a terminal shows of a job."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios

import pytest


def _on_terminal(place, columns, *arguments):
    """What a job writes on a terminal of so many columns."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    job = place.start(*arguments, terminal=slave)
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(master)
    assert job.wait(60) == 0, shown.decode()
    return shown.decode()


@pytest.mark.slow
@pytest.mark.parametrize("columns", [30, 80, 200])
def test_newest_outputs_and_counts_are_shown(place, columns):
    place.lines("in.jsonl", [{"k": number} for number in range(50)])
    shown = _on_terminal(
        place, columns, "run", place.agent("Echo"), "--key", "k",
        "--input", "in.jsonl", "--output", "o",
    )  # fmt: skip
    assert "49" in shown
    assert "Echo on the local engine: 50 inputs, 50 outputs" in shown
    if columns >= 80:
        assert "{'k': 49}" in shown
    assert len(place.read("o")) == 50


@pytest.mark.slow
def test_outputs_hold_no_power_over_the_terminal(place):
    place.lines("in.jsonl", ["\x1b[2Jgone[red]x"])
    shown = _on_terminal(
        place, 120, "run", place.agent("Echo"), "--input", "in.jsonl", "--output", "o"
    )
    assert "\x1b[2J" not in shown
    assert "gone[red]x" in shown


@pytest.mark.slow
def test_quiet_draws_nothing(place):
    place.lines("in.jsonl", [1])
    arguments = ["run", place.agent("Echo"), "--input", "in.jsonl", "--output", "o", "--quiet"]
    assert _on_terminal(place, 80, *arguments) == ""
