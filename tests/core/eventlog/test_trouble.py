"""A log that cannot be written never stops the job: it is counted, and said once."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from log_agents import Silent, Waiting, once

from headrace import AgentPlan, RuntimeConfig, run_local
from headrace.eventlog import EventLog, LogSettings, open_log
from headrace.local import IterableSource, ListSink, LocalEngine

COUNT = 300


@pytest.fixture
def job(monkeypatch):
    """Runs a job with a log; gives its outputs."""

    def job(*, file=None, count=COUNT, **settings):
        monkeypatch.setattr(Waiting, "config", RuntimeConfig(log=LogSettings(**settings)))
        outputs = ListSink()
        engine = LocalEngine(AgentPlan.from_agent(Waiting()), key=once, output=outputs, events=file)
        engine.run(IterableSource([{"do": str(number)} for number in range(count)]))
        return outputs.values

    return job


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.WARNING, "headrace.log")

    def said():
        return [one.getMessage() for one in caplog.records if one.name == "headrace.log"]

    return said


def records(folder):
    return [
        json.loads(line)
        for path in sorted(Path(folder).iterdir())
        for line in path.read_bytes().splitlines()
    ]


def test_on_a_full_device_the_job_goes_on_and_it_is_said_once(job, said):
    assert len(job(file=Path("/dev/full"))) == COUNT

    assert said() == [
        "the event log /dev/full cannot be written: No space left on device",
        f"{COUNT * 3} records are not in the event log /dev/full",
    ]


def test_when_the_disk_is_full_and_has_room_again_the_log_says_what_it_lacks(job, said, small_disk):
    (small_disk / "filler").write_bytes(b"x" * 40_000)
    log = open_log(plan_of(small_disk))
    told = parcel(data={"text": "x" * 900})
    for _ in range(200):
        log.take(told)
    wait_for(lambda: log.lost)
    (small_disk / "filler").unlink()
    log.take(parcel("r-2"))
    log.close()
    found = records(small_disk)

    assert found[-1]["run"] == "r-2"
    lost = [one for one in found if one["kind"] == "log" and one["what"] == "lost"]
    assert sum(one["data"]["records"] for one in lost) == log.lost
    assert sum("No space left" in line for line in said()) == 1


def parcel(run="r-1", data=None):
    """What an operator tells of a run: one action."""
    told = (1.0, 1, "action", "finished", "go", "0.0", "", 1, 0.1, None, None, data, False)
    return (run, "sann", 0, None, False, [EventLog.packed(told)], 0.0)


def plan_of(folder, **settings):
    agent = Waiting()
    plan = AgentPlan.from_agent(agent)
    config = RuntimeConfig(log=LogSettings(folder=str(folder), **settings))
    return plan.model_copy(update={"config": config})


def wait_for(holds, seconds=30.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_where_the_folder_cannot_be_made_the_job_goes_on(job, said, tmp_path):
    (tmp_path / "file").write_text("no folder")

    assert len(job(folder=str(tmp_path / "file" / "logs"))) == COUNT
    assert "Not a directory" in said()[0]
    assert len(said()) == 2


def test_a_folder_that_goes_away_is_made_again(tmp_path):
    folder = tmp_path / "logs"
    log = open_log(plan_of(folder))
    log.take(parcel())
    wait_for(lambda: folder.is_dir() and any(path.stat().st_size for path in folder.iterdir()))
    shutil.rmtree(folder)
    numbers = iter(range(10_000))

    def again():
        log.take(parcel(f"r-{next(numbers)}"))
        time.sleep(0.05)
        return folder.is_dir()

    wait_for(again)
    log.close()
    assert records(folder)


def test_a_disk_that_does_not_answer_holds_up_no_job(job, said, tmp_path, monkeypatch):
    # Nobody reads the pipe, so that whoever opens it to write waits for ever.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setattr("headrace.eventlog._log._CLOSING", 0.2)
    monkeypatch.setattr("headrace.eventlog._log._MOST_BYTES", 10_000)
    outputs = job(file=pipe, count=20_000)

    assert len(outputs) == 20_000
    assert sum("too slowly" in line for line in said()) == 1
    assert "records are not in the event log" in said()[-1]


def test_a_slow_disk_loses_what_does_not_fit_and_the_log_says_how_much(said, tmp_path, monkeypatch):
    monkeypatch.setattr("headrace.eventlog._log._MOST_BYTES", 20_000)
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)

    def reader():
        with pipe.open("rb") as file:
            go.wait(30)
            got.extend(json.loads(line) for line in file)

    go = threading.Event()
    thread = threading.Thread(target=reader)
    thread.start()
    log = open_log(plan_of(tmp_path), file=pipe)
    told = parcel(data={"text": "x" * 900})
    count = 3000  # more than the pipes hold
    for number in range(count):
        log.take(told)
        if number % 100 == 0:
            time.sleep(0.001)
    wait_for(lambda: log.lost)
    go.set()
    wait_for(lambda: (log.take(told), log._pump._thrown)[1] == 0)
    log.take(told)
    log.close()
    thread.join()
    kept = sum(one["kind"] == "action" for one in got)
    lost = sum(one["data"]["records"] for one in got if one["what"] == "lost")

    assert log.lost > 0
    assert lost == log.lost
    assert kept > 0
    assert sum("too slowly" in line for line in said()) == 1


def test_a_writer_that_is_killed_is_started_again(said, tmp_path):
    log = open_log(plan_of(tmp_path / "logs"))
    log.take(parcel())
    wait_for((tmp_path / "logs").is_dir)
    first = log._pump._writer.pid
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: log._pump._writer is not None and log._pump._writer.pid != first)
    log.take(parcel("r-2"))
    log.close()

    assert "r-2" in {one.get("run") for one in records(tmp_path / "logs")}
    assert len(said()) == 1


def test_one_that_is_killed_again_and_again_is_left_alone(said, tmp_path):
    log = open_log(plan_of(tmp_path / "logs"))

    def killed():
        writer = log._pump._writer
        if writer is not None:
            writer.kill()
        return any("any more" in line for line in said())

    wait_for(killed)
    log.take(parcel("r-2"))
    log.close()

    assert log.lost == 1
    assert "is not written any more" in said()[1]


def test_what_was_told_before_the_job_was_killed_is_written(tmp_path):
    program = f"""
import os, signal, time
from log_agents import Waiting, once
from headrace import AgentPlan
from headrace.eventlog import open_log
import test_trouble as t
log = open_log(t.plan_of({str(tmp_path / "logs")!r}))
for number in range(5000):
    log.take(t.parcel(f"r-{{number}}"))
time.sleep(1)
os.kill(os.getpid(), signal.SIGKILL)
"""
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": paths}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    wait_for(lambda: sum(one["kind"] == "action" for one in whole(tmp_path / "logs")) == 5000)


def whole(folder):
    """The records of lines that are whole by now."""
    if not folder.is_dir():
        return []
    return [
        json.loads(line)
        for path in folder.iterdir()
        for line in path.read_bytes().rpartition(b"\n")[0].splitlines()
    ]


def test_what_is_no_data_is_told_as_text(tmp_path):
    log = open_log(plan_of(tmp_path / "logs"))
    log.take(parcel(data={"x": object, "y": {1, 2}}))
    log.close()

    assert records(tmp_path / "logs")[-1]["data"] == {"x": "<class 'object'>", "y": [1, 2]}
    assert log.lost == 0


def test_a_log_that_is_off_has_no_file_and_no_process(tmp_path):
    assert open_log(plan_of(tmp_path / "logs", level="off")) is None
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("text", ["é", "é\ud800"])
def test_a_run_that_nobody_asked_for_its_name_is_named_by_its_input_and_its_place(tmp_path, text):
    same = {"do": text, "n": 1.5, "a": {"z": 1, "b": 2}}
    run_local(Silent(), [same, [1, None], same], key=str, log=tmp_path / "logs")
    made = [one["run"] for one in records(tmp_path / "logs") if one["kind"] == "run"]

    contents, places = zip(*(run.rsplit("-", 1) for run in made), strict=True)
    assert places == ("s0", "s1", "s2")
    assert contents[0] == contents[2] != contents[1]
    assert all(re.fullmatch("[0-9a-f]{32}", content) for content in contents)


def test_it_has_the_same_name_in_another_job(tmp_path):
    for folder in ("first", "second"):
        run_local(Silent(), [{"do": "a"}], log=tmp_path / folder)

    first, second = (
        [one["run"] for one in records(tmp_path / folder) if one["kind"] == "run"]
        for folder in ("first", "second")
    )
    assert first == second
