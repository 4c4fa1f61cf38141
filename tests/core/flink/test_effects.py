"""Effects on Flink: held back until a checkpoint has them, over savepoints, failures and the end.

One story for a job without end: it is stopped with a savepoint before it ever had a checkpoint;
goes on from that with more workers; fails in the middle; and one of its effects is under way then.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict

import pytest

pytest.importorskip("pyflink")

from flink_jobs import Job, committed, sink
from held_agents import Held
from recovery_agents import notes

from headrace import AgentPlan
from headrace.flink._covered import marks_folder
from headrace.flink._left import do_left, left_folder

pytestmark = [pytest.mark.flink, pytest.mark.slow, pytest.mark.usefixtures("java")]

KEYS = [f"k{number}" for number in range(6)]
EACH = 5


def by_key(value):
    return value["key"]


def holding(begin, end):
    return [
        {"do": "hold", "key": key, "name": f"{key}.{number}"}
        for number in range(begin, end)
        for key in KEYS
    ]


BEFORE = holding(0, EACH)
SINCE = holding(EACH, 2 * EACH)
RESTARTING = {
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "1",
    "restart-strategy.fixed-delay.delay": "10ms",
}


def until(true, seconds=90):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"nothing came of it in {seconds} s"
        time.sleep(0.02)


def said(folder, what):
    """What was noted of it: names, with idempotency keys where there are some."""
    lines = [line.split(" ", 1) for line in notes(folder)]
    return [rest for begin, rest in lines if begin == what]


def names(folder):
    """What was done, at least once."""
    return {line.split()[0] for line in said(folder, "done")}


class Story:
    def __init__(self, folder):
        job = Job(folder)
        agent = Held(folder=str(folder))
        job.feed("before", BEFORE)
        client = job.start(agent, key=by_key, options={"execution.checkpointing.interval": "1h"})
        until(lambda: len(said(folder, "ran")) == len(BEFORE))
        self.without_checkpoint = said(folder, "done")
        savepoint = job.stop(client)  # which is complete a moment before the job has ended
        client = job.start(
            agent, key=by_key, savepoint=savepoint, parallelism=2, options=RESTARTING
        )
        until(lambda: len(names(folder)) == len(BEFORE))
        self.restored = said(folder, "done")
        lasting = [{"do": "lasting", "key": "l", "name": "lasting", "until": "failed f"}]
        job.feed("lasting", [*lasting, {"do": "hold", "key": "l", "name": "behind"}])
        until(lambda: said(folder, "begun"))
        job.feed("since", [*SINCE, {"do": "fail once", "key": "f", "name": "f"}])
        every = {"lasting", "behind", "f", *(one["name"] for one in (*BEFORE, *SINCE))}
        until(lambda: every <= names(folder))
        client.cancel().result()
        self.done = said(folder, "done")
        self.begun = said(folder, "begun")


@pytest.fixture(scope="module")
def story(tmp_path_factory, java):
    return Story(tmp_path_factory.mktemp("held"))


def in_order(lines):
    """The names of effects by key, each where it was done first."""
    found = defaultdict(list)
    for name in dict.fromkeys(line.split()[0] for line in lines):
        found[name.partition(".")[0]].append(name)
    return found


def test_effects_wait_for_a_checkpoint_that_has_them(story):
    # Flink makes a first checkpoint when the job starts, and here no other within an hour.
    assert len(story.without_checkpoint) < len(BEFORE)


def test_effects_in_a_savepoint_are_done_by_the_job_that_goes_on_from_it(story):
    assert in_order(story.restored) == {
        key: [f"{key}.{number}" for number in range(EACH)] for key in KEYS
    }


def test_effects_of_a_key_are_done_in_order_over_a_failure(story):
    done = in_order(story.done)
    assert {key: done[key] for key in KEYS} == {
        key: [f"{key}.{number}" for number in range(2 * EACH)] for key in KEYS
    }


def test_an_effect_that_is_done_again_after_a_failure_has_its_key(story):
    keys = defaultdict(set)
    for line in (*story.done, *story.begun):
        name, key = line.rsplit(" ", 1)
        keys[name].add(key)
    assert {name for name, some in keys.items() if len(some) > 1} == set()


def test_what_a_run_asked_for_that_was_undone_is_not_done(story):
    assert [line for line in story.done if "undone" in line] == []


def test_an_effect_that_was_under_way_in_a_failure_is_done_again_and_holds_back_its_key(story):
    done = [line.split()[0] for line in story.done]
    assert len(story.begun) == 2
    assert done.index("lasting") < done.index("behind")


class Ended:
    """A job whose inputs have an end."""

    def __init__(self, folder, options=None):
        self.folder = folder
        self.plan = AgentPlan.from_agent(Held(folder=str(folder)))
        self.options = {
            "restart-strategy.type": "disable",
            "execution.checkpointing.interval": "200ms",
            "execution.checkpointing.dir": (folder / "checkpoints").as_uri(),
            **(options or {}),
        }
        self.left = left_folder(marks_folder(self.options, self.plan.identity) or "/nowhere/x/y")
        self.jobs = 0

    def run(self, inputs):
        from pyflink.common import Types

        from headrace.flink import environment, process

        self.jobs += 1
        env = environment(self.options)
        env.set_parallelism(2)
        lines = env.from_collection([json.dumps(one) for one in inputs], Types.STRING())
        streams = process(
            lines, self.plan, key=by_key, parse=json.loads, render=json.dumps,
            output_type=Types.STRING(),
        )  # fmt: skip
        sink(streams.output, self.folder / f"out{self.jobs}")
        letters = streams.dead_letters.map(json.dumps, Types.STRING())
        sink(letters, self.folder / f"dead{self.jobs}")
        env.execute("ended")

    def letters(self):
        return committed(self.folder / f"dead{self.jobs}")

    def done(self):
        return [line.split()[0] for line in said(self.folder, "done")]


LATE = [{"do": "late", "key": key, "name": f"{key}.{n}"} for n in range(2) for key in "ab"]


def test_what_a_job_leaves_at_its_end_is_done_in_order_by_who_ran_it(tmp_path):
    job = Ended(tmp_path)
    job.run(LATE)
    before = job.done()

    counts = do_left(job.plan, job.left, lambda _: None)

    assert (before, counts) == ([], (4, 0))
    assert in_order(job.done()) == {"a": ["a.0", "a.1"], "b": ["b.0", "b.1"]}


def test_what_a_job_leaves_is_done_once_by_its_next_start(tmp_path):
    job = Ended(tmp_path)
    job.run(LATE)
    job.run([{"do": "late", "key": "c", "name": "c.0"}])
    do_left(job.plan, job.left, lambda _: None)

    assert sorted(job.done()) == ["a.0", "a.1", "b.0", "b.1", "c.0"]


def test_a_stop_that_drains_is_such_an_end(tmp_path):
    job, agent = Job(tmp_path), Held(folder=str(tmp_path))
    job.feed("before", BEFORE)
    client = job.start(agent, key=by_key, options={"execution.checkpointing.interval": "1h"})
    until(lambda: len(said(tmp_path, "ran")) == len(BEFORE))
    job.stop(client, drain=True)
    client.get_job_execution_result().result()
    plan = AgentPlan.from_agent(agent)
    places = {"execution.checkpointing.dir": (tmp_path / "checkpoints").as_uri()}
    before = len(said(tmp_path, "done"))

    counts = do_left(plan, left_folder(marks_folder(places, plan.identity)), lambda _: None)

    assert counts == (len(BEFORE) - before, 0)
    assert in_order(said(tmp_path, "done")) == {
        key: [f"{key}.{number}" for number in range(EACH)] for key in KEYS
    }
    assert len(said(tmp_path, "done")) == len(BEFORE)


def test_what_is_given_up_of_what_a_job_left_is_a_dead_letter(tmp_path):
    job, letters = Ended(tmp_path), []
    refused = {"do": "refused", "key": "a", "name": "a.0"}
    job.run([{"do": "late", "key": "a", "name": "first"}, refused])

    counts = do_left(job.plan, job.left, letters.append)

    assert counts == (2, 1)
    assert [(one["effect"], one["attempts"]) for one in letters] == [("held_agents:refuse", 2)]


def test_nothing_is_left_of_files_whose_effects_are_done(tmp_path):
    job = Ended(tmp_path)
    job.run(LATE)
    do_left(job.plan, job.left, lambda _: None)

    assert do_left(job.plan, job.left, lambda _: None) == (0, 0)


def test_where_workers_see_no_checkpoints_the_end_makes_dead_letters_of_effects(tmp_path):
    job = Ended(tmp_path, {"execution.checkpointing.storage": "jobmanager"})
    del job.options["execution.checkpointing.dir"]
    job.run(LATE)

    assert job.done() == []
    assert sorted(one["arguments"]["args"][1] for one in job.letters()) == [
        "a.0", "a.1", "b.0", "b.1",
    ]  # fmt: skip
    assert {"workers could not see its checkpoints" in one["error"] for one in job.letters()} == {
        True
    }


def test_a_job_over_files_is_over_when_what_it_left_is_done(tmp_path):
    from headrace.flink import run_files

    inputs = [*LATE, {"do": "refused", "key": "a", "name": "a.2"}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(one) + "\n" for one in inputs))
    result = run_files(
        AgentPlan.from_agent(Held(folder=str(tmp_path))),
        input=tmp_path / "in.jsonl",
        output=tmp_path / "out.jsonl",
        dead_letters=tmp_path / "dead.jsonl",
        key_field="key",
    )
    letters = [json.loads(line) for line in (tmp_path / "dead.jsonl").read_text().splitlines()]

    assert (result.finished, result.dead_letters) == (5, 1)
    assert [one["effect"] for one in letters] == ["held_agents:refuse"]
    assert in_order(said(tmp_path, "done")) == {"a": ["a.0", "a.1", "a.2"], "b": ["b.0", "b.1"]}
