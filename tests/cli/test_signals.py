"""A job in a process of its own: stopped, killed, and left by its reader."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest


def _wait_for_lines(path, count=5):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.01)
    pytest.fail("the job wrote nothing")


def _arguments(place, count, *more):
    place.lines("in.jsonl", [{"k": number} for number in range(count)])
    return [
        "run",
        place.agent("Slow"),
        "--key",
        "k",
        "--input",
        "in.jsonl",
        "--output",
        "o",
        "--set",
        "max_in_flight=10",
        *more,
    ]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_job_goes_on_with_its_state(place, number):
    arguments = _arguments(place, 500, "--state", "s.db")
    job = place.start(*arguments)
    _wait_for_lines(place.folder / "o")
    job.send_signal(number)
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 0, errors
    assert "stopped by a signal" in errors
    assert "Traceback" not in errors
    some = len(place.read("o"))
    assert 0 < some < 500
    again = place.process(*arguments)
    assert again.returncode == 0, again.stderr
    assert sorted(line["k"] for line in place.read("o")) == list(range(500))


@pytest.mark.slow
def test_a_killed_job_goes_on_with_its_state(place):
    arguments = _arguments(place, 500, "--state", "s.db")
    job = place.start(*arguments)
    _wait_for_lines(place.folder / "o")
    job.kill()
    job.communicate(timeout=60)
    again = place.process(*arguments)
    assert again.returncode == 0, again.stderr
    assert sorted(line["k"] for line in place.read("o")) == list(range(500))


@pytest.mark.slow
def test_a_job_stopped_without_a_state_says_that_work_is_left(place):
    job = place.start(*_arguments(place, 2000))
    _wait_for_lines(place.folder / "o")
    job.send_signal(signal.SIGTERM)
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 1
    assert "--state FILE" in errors
    assert all(isinstance(line, dict) for line in place.read("o"))


@pytest.mark.slow
def test_a_job_that_waits_for_stdin_stops(place):
    job = place.start(
        "run", place.agent("Slow"), "--output", "o", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    job.stdin.write("1\n2\n3\n4\n5\n")
    job.stdin.flush()
    _wait_for_lines(place.folder / "o")
    job.send_signal(signal.SIGINT)
    job.wait(timeout=60)  # not communicate(): it closes stdin, and the end of the inputs could win
    _, errors = job.communicate()
    assert job.returncode == 1
    assert "stopped by a signal" in errors
    assert "Fatal Python error" not in errors


ENDLESS = """
import pathlib, signal, sys
for number in signal.SIGTERM, signal.SIGHUP:
    signal.signal(number, signal.SIG_DFL)  # who runs the tests may ignore them
from headrace_cli import _app
def command(**_):
    try:
        print("begun", flush=True)
        while True: signal.pause()
    finally:
        pathlib.Path("tidied").touch()
_app.agents.main = command
from headrace_cli.main import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_asked_to_end_tidies_up(tmp_path, number):
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with process.stdout:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(number)
        try:
            assert process.wait(60) == 128 + number
        finally:
            process.kill()
            process.wait()
    assert (tmp_path / "tidied").exists()


@pytest.mark.slow
def test_a_reader_that_goes_away_ends_it_without_a_traceback(place):
    place.lines("in.jsonl", list(range(20_000)))
    job = place.start("run", place.agent("Echo"), "--input", "in.jsonl", stdout=subprocess.PIPE)
    job.stdout.readline()
    job.stdout.close()
    with job.stderr:
        errors = job.stderr.read()
    assert job.wait(60) == 1
    assert "Traceback" not in errors
