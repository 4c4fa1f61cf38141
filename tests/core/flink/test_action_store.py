"""Calls that an action store keeps are not made again, whatever checkpoint Flink goes back to.

One story. A job is stopped with a savepoint; goes on from it, fails in the middle and recovers;
is cancelled; and goes on from the savepoint once more, with its inputs since then in another order.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter

import pytest

pytest.importorskip("pyflink")

from flink_jobs import Job
from kept_agents import Keeping, notes

from headrace import RuntimeConfig

pytestmark = [pytest.mark.flink, pytest.mark.slow, pytest.mark.usefixtures("java")]


def by_key(value):
    return value["key"]


def charge(name, key="k"):
    return {"do": "charge", "name": name, "key": key}


BEFORE = [charge("a"), charge("b", "l")]
SINCE = [charge("a"), charge("c"), charge("c"), charge("d"), charge("b", "l"), charge("e", "l")]
FAILING = [{"do": "fail", "key": "k"}, {"do": "fail", "key": "l"}]


class Lasting(Keeping):
    config = RuntimeConfig(action_store_keep=3600.0)


class Story:
    def __init__(self, folder):
        self.folder = folder
        job = Job(folder)
        agent = Lasting(folder=str(folder))
        job.feed("before", BEFORE)
        client = job.start(agent, key=by_key)
        job.await_outputs(lambda found: len(found) >= len(BEFORE))
        savepoint = job.stop(client)
        options = {
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": "2",
            "restart-strategy.fixed-delay.delay": "10ms",
        }
        client = job.start(agent, key=by_key, savepoint=savepoint, options=options)
        job.feed("since", [*SINCE, *FAILING])
        count = len(BEFORE) + len(SINCE) + len(FAILING)
        first = job.await_outputs(lambda found: len(found) >= count)
        client.cancel().result()
        (job.inputs / "since").unlink()
        client = job.start(agent, key=by_key, savepoint=savepoint)
        job.feed("again", [*SINCE[::-1], charge("a"), charge("f")])
        count += len(SINCE) + 2
        every = job.await_outputs(lambda found: len(found) >= count)
        client.cancel().result()
        self.first = first[len(BEFORE) :]
        self.second = every[len(first) :]
        self.made = Counter(line for line in notes(folder) if line.startswith("charged "))


@pytest.fixture(scope="module")
def story(tmp_path_factory, java):
    return Story(tmp_path_factory.mktemp("kept"))


def said(outputs):
    return sorted((one["key"], one["name"], one["said"]) for one in outputs if "name" in one)


def test_each_call_was_made_once_for_each_input_in_whatever_order_it_came(story):
    made = {name: story.made[f"charged {name}"] for name in "abcdef"}

    assert made == {"a": 3, "b": 2, "c": 2, "d": 1, "e": 1, "f": 1}


def test_inputs_that_came_again_have_what_the_calls_gave_before(story):
    again = [one for one in said(story.second) if one[2] not in {"a #3", "f #1"}]

    assert again == said(story.first)


def test_an_input_that_equals_one_from_before_the_savepoint_has_its_own_call(story):
    assert [one[2] for one in said(story.first) if one[1] == "a"] == ["a #2"]


def test_runs_have_the_names_that_they_had(story):
    names = {one["run"] for one in story.first if "run" in one}

    assert names < {one["run"] for one in story.second}


def test_calls_of_the_runs_that_failed_the_job_are_not_made_again(story):
    assert story.made["charged before"] == len(FAILING)


def kept(folder):
    if not (folder / "calls.db").exists():
        return 0
    with sqlite3.connect(folder / "calls.db") as db:
        [(count,)] = db.execute("SELECT count(*) FROM records")
    db.close()
    return count


def test_runs_are_forgotten_when_a_complete_checkpoint_has_their_ends(tmp_path):
    job = Job(tmp_path)
    job.feed("some", [charge(str(number), f"k{number % 20}") for number in range(200)])
    client = job.start(Keeping(folder=str(tmp_path)), key=by_key)
    try:
        job.await_outputs(lambda found: len(found) >= 200)
        deadline = time.monotonic() + 90
        while (left := kept(tmp_path)) and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        client.cancel().result()

    assert left == 0
