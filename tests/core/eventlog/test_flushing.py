"""What an event log does at the end of a bounded input, while its job is still waited for."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from log_agents import Waiting

from headrace import AgentPlan, RuntimeConfig
from headrace.eventlog import EventLog, LogSettings, open_log


@pytest.fixture
def log(tmp_path):
    plan = AgentPlan.from_agent(Waiting())
    config = RuntimeConfig(log=LogSettings(folder=str(tmp_path / "logs")))
    made = open_log(plan.model_copy(update={"config": config}))
    yield made
    made.close()


def parcel(run):
    told = (1.0, 1, "action", "finished", "go", "0.0", "", 1, 0.1, None, None, None, False)
    return (run, "sann", 0, None, False, [EventLog.packed(told)], 0.0)


def runs(folder):
    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines()]
    return [one["run"] for one in map(json.loads, lines) if "run" in one]


def test_all_that_was_taken_is_in_the_file(log, tmp_path):
    for number in range(1000):
        log.take(parcel(f"r-{number}"))
    log.flush(30)

    assert runs(tmp_path / "logs") == [f"r-{number}" for number in range(1000)]


def test_more_may_follow(log, tmp_path):
    log.flush(30)
    log.take(parcel("r-1"))
    log.flush(30)

    assert runs(tmp_path / "logs") == ["r-1"]


def test_a_writer_that_does_not_answer_is_waited_for_no_longer_than_said(tmp_path, monkeypatch):
    # Nobody reads the pipe, so that whoever opens it to write waits for ever.
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr("headrace.eventlog._log._CLOSING", 0.2)
    log = open_log(AgentPlan.from_agent(Waiting()), file=Path(tmp_path / "pipe"))
    began = time.monotonic()
    log.take(parcel("r-1"))
    log.flush(0.2)
    log.close()

    assert time.monotonic() - began < 20


def test_without_a_writer_nobody_is_waited_for(log, monkeypatch):
    log._pump._drop_writer()
    began = time.monotonic()
    log.flush(60)

    assert time.monotonic() - began < 30
