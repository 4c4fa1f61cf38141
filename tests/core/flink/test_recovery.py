"""Law 4 on Flink: a job that fails and recovers loses nothing, doubles nothing, keeps its order.

One job for all of it. First some runs wait over many checkpoints. Then the job fails twice
within the agent and once behind it, each time with runs that have committed, that wait and that
have not begun, and recovers by itself.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict

import pytest

pytest.importorskip("pyflink")

from flink_jobs import Job
from recovery_agents import Recovering, last_checkpoint, note, notes

pytestmark = [pytest.mark.flink, pytest.mark.slow, pytest.mark.usefixtures("java")]

FAILURES = 3
KEYS = [f"k{number}" for number in range(8)]
WAITING = [f"waiting{number}" for number in range(10)]


def by_key(value):
    return value["key"]


def numbered(key, values):
    return [{"key": key, "n": n, **value} for n, value in enumerate(values)]


def first_inputs():
    """One key has work for a while, others wait until they are told."""
    made = numbered("busy", [{"do": "wait", "seconds": 0.02}] * 400)
    for key in WAITING:
        made += numbered(key, [{"do": "until", "line": "release"}, {"do": "quick"}])
    return made


def later_inputs():
    """Each key has some inputs between two failures; it waits for the failure in the midst.

    A call lasts until the job goes on after a failure, so it has begun and not ended when it fails.
    """
    failing = [{"do": "fail"}] * (FAILURES - 1) + [{"do": "quick", "poison": True}]
    made = numbered("failing", failing)
    for failure in range(FAILURES - 1):
        line = f"after fail {failure}"
        made += numbered(f"calling{failure}", [{"do": "call until", "line": line}])
        made += numbered(f"sure{failure}", [{"do": "reconciled until", "line": line}])
    ways = [{"do": "quick"}, {"do": "call"}, {"do": "wait", "seconds": 0.003}]
    for key in KEYS:
        values = []
        for failure in range(FAILURES):
            values += [*ways, *ways, {"do": "until", "line": f"fail {failure}"}]
        made += numbered(key, [*values, *ways])
    return made


class PoisonedOnce:
    """A map behind the agent that fails the job at the first poisoned output."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __call__(self, line):
        name = f"fail {FAILURES - 1}"
        if json.loads(line).get("poison") and name not in notes(self.folder):
            note(self.folder, name)
            raise ValueError(name)
        return line


class Story:
    """What happened."""

    def __init__(self, folder):
        job = Job(folder)
        job.feed("first", first_inputs())
        client = job.start(
            Recovering(folder=str(folder)),
            key=by_key,
            options={
                "restart-strategy.type": "fixed-delay",
                "restart-strategy.fixed-delay.attempts": str(FAILURES),
                "restart-strategy.fixed-delay.delay": "10ms",
            },
            then=PoisonedOnce(folder),
        )
        # How many outputs there were at the checkpoints at which the others waited.
        self.while_waiting = {}
        deadline = time.monotonic() + 60
        while len(set(self.while_waiting.values())) < 4 and time.monotonic() < deadline:
            self.while_waiting[last_checkpoint(folder)] = len(job.committed())
            time.sleep(0.05)
        self.waited = job.committed()
        note(folder, "release")
        self.inputs = [*first_inputs(), *later_inputs()]
        job.feed("later", later_inputs())
        job.await_outputs(lambda found: len(found) >= len(self.inputs), 150)
        after = last_checkpoint(folder) + 2  # what is twice would be there by then
        while last_checkpoint(folder) < after:
            time.sleep(0.05)
        client.cancel().result()
        self.outputs = job.committed()
        self.notes = notes(folder)
        self.calls = Counter(self.notes)

    def by_key(self, name):
        found = defaultdict(list)
        for output in self.outputs:
            found[output["key"]].append(output[name])
        return found


@pytest.fixture(scope="module")
def story(tmp_path_factory, java):
    return Story(tmp_path_factory.mktemp("recovery"))


def test_outputs_of_other_keys_go_on_while_runs_wait_over_checkpoints(story):
    assert len(set(story.while_waiting.values())) >= 4
    assert {output["key"] for output in story.waited} == {"busy"}


def test_it_failed_as_often_as_it_should(story):
    assert [f"fail {number}" in story.notes for number in range(FAILURES)] == [True] * FAILURES


def test_each_input_has_its_output_once(story):
    wanted = Counter((value["key"], value["n"]) for value in story.inputs)

    assert Counter((output["key"], output["n"]) for output in story.outputs) == wanted


def test_outputs_of_a_key_are_in_the_order_of_its_inputs(story):
    assert [key for key, found in story.by_key("n").items() if found != sorted(found)] == []


def test_memory_counted_every_input_once(story):
    wanted = {key: list(range(1, len(found) + 1)) for key, found in story.by_key("n").items()}

    assert story.by_key("count") == wanted


@pytest.mark.parametrize("failure", range(FAILURES - 1))
def test_a_call_that_ended_before_the_checkpoint_is_not_made_again(story, failure):
    calls = (
        story.calls[f"called before fail {failure}"],
        story.calls[f"called ended calling{failure}"],
    )

    assert calls == (1, 1)


@pytest.mark.parametrize("failure", range(FAILURES - 1))
def test_a_call_that_was_begun_is_made_again_at_most_once_for_each_failure(story, failure):
    meanwhile = failure + 1

    assert 1 + meanwhile <= story.calls[f"called begun calling{failure}"] <= 1 + FAILURES


@pytest.mark.parametrize("failure", range(FAILURES - 1))
def test_a_call_that_was_begun_goes_to_its_reconciler_instead(story, failure):
    name = f"sure sure{failure}"

    assert (story.calls[f"called {name}"], story.calls[f"reconciled {name}"] > 0) == (1, True)


def test_a_recovered_job_holds_no_more_in_its_process_than_before(story):
    held = [json.loads(line.removeprefix("held ")) for line in story.notes if line[:4] == "held"]

    assert held[1:] == held[:1] * (FAILURES - 2)
