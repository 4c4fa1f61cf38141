"""The event log of a job that goes on from a checkpoint: what is told twice is one record."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("pyflink")

from flink_jobs import Job
from recovery_agents import Recovering, last_checkpoint

from headrace import RuntimeConfig
from headrace.eventlog import LogSettings

pytestmark = [pytest.mark.flink, pytest.mark.slow, pytest.mark.usefixtures("java")]


class Logged(Recovering):
    """Fails its job once, after a call whose outcome a checkpoint has."""


@pytest.fixture(scope="module")
def files(tmp_path_factory, java):
    """The records of each file of the log, by the attempt in the file's name."""
    folder = tmp_path_factory.mktemp("restart")
    Logged.config = RuntimeConfig(log=LogSettings(folder=str(folder / "log")))
    job = Job(folder)
    job.feed("early", [{"key": "early", "n": 0, "do": "call"}])
    client = job.start(
        Logged(folder=str(folder)),
        key=by_key,
        options={
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": "1",
            "restart-strategy.fixed-delay.delay": "10ms",
        },
    )
    job.await_outputs(lambda found: len(found) == 1)  # so its checkpoint is complete
    job.feed("later", [{"key": "failing", "n": 0, "do": "fail"}])
    job.await_outputs(lambda found: len(found) == 2)
    assert last_checkpoint(folder) > 0
    client.cancel().result()
    found = {}
    for path in (folder / "log").iterdir():
        attempt = path.name.split(".")[2]
        lines = path.read_bytes().splitlines()
        found.setdefault(attempt, []).extend(json.loads(line) for line in lines)
    return found


def by_key(value):
    return value["key"]


@pytest.fixture
def told(files):
    """What an attempt of the job told of the run that failed, of a kind: name, outcome, mark."""

    def told(attempt, kind):
        return [
            (one["run"], one.get("id"), one["what"], one.get("replayed", False))
            for one in files[attempt]
            if one.get("key") == "failing" and one["kind"] == kind
        ]

    return told


def test_each_attempt_of_the_job_has_a_file_that_says_which_it_was(files):
    assert sorted(files) == ["a0", "a1"]
    opened = {attempt: records[0]["data"]["attempt"] for attempt, records in files.items()}
    assert opened == {"a0": 0, "a1": 1}


def test_a_call_whose_outcome_the_checkpoint_has_is_the_same_record_and_marked(told):
    [(run, call, what, marked)] = told("a0", "call")

    assert (what, marked) == ("finished", False)
    assert told("a1", "call") == [(run, call, "reused", True)]


def test_so_are_the_action_and_the_run_that_are_run_again(told):
    [(run, action, what, marked)] = told("a0", "action")

    assert (what, marked) == ("failed", False)
    assert told("a1", "action") == [(run, action, "finished", True)]
    assert told("a0", "run") == [(run, None, "failed", False)]
    assert told("a1", "run") == [(run, None, "finished", True)]


def test_a_run_that_was_over_before_the_checkpoint_is_not_told_again(files):
    def kinds(attempt):
        return [one["kind"] for one in files[attempt] if one.get("key") == "early"]

    assert kinds("a0") == ["call", "action", "memory", "run"]
    assert kinds("a1") == []
