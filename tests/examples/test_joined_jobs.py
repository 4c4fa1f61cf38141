"""Two agents, joined by a pipe, by files and in one job: each message has its case, once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "joined_jobs"
FAILING = Path(__file__).parent / "failing_desks.py"
MESSAGES = [
    json.loads(line) for line in (EXAMPLE / "data/messages/monday.jsonl").read_text().splitlines()
]

# By a person who read the messages.
DESKS = {
    "billing": {"m1", "m4", "m6"},
    "delivery": {"m2", "m5", "m9"},
    "technical": {"m3", "m7", "m10"},
    "general": {"m8"},
}

# What the job that fails is fed: six customers with 24 messages each, on four topics in turn.
TOPICS = {"invoice": "billing", "parcel": "delivery", "login": "technical", "opening": "general"}
CUSTOMERS, OF_EACH = ("ada", "bo", "cem", "dee", "eli", "fay"), 24
FED = len(CUSTOMERS) * OF_EACH

flink = [pytest.mark.flink, pytest.mark.slow, pytest.mark.timeout(600)]


def cases_in(folder: Path) -> list[dict]:
    """The cases of finished files, in the order in which they were written."""
    parts = [path for path in folder.rglob("part-*") if path.is_file()]
    parts.sort(key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def run_python(*arguments: object) -> str:
    """Runs a script to its end, and gives what it printed."""
    pytest.importorskip("pyflink")
    run = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=580,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )
    assert run.returncode == 0, run.stdout + run.stderr[-4000:]
    return run.stdout


def numbered(cases: list[dict]) -> dict[str, list[int]]:
    """The numbers of each desk's cases."""
    found = defaultdict(list)
    for case in cases:
        found[case["desk"]].append(case["case"])
    return found


def assert_complete(cases: list[dict]) -> None:
    """Each message of the example has one case, at its desk, and no desk's numbers have a gap."""
    assert sorted(case["message"] for case in cases) == sorted(one["message"] for one in MESSAGES)
    assert {
        desk: {case["message"] for case in cases if case["desk"] == desk} for desk in DESKS
    } == DESKS
    assert {desk: sorted(numbers) for desk, numbers in numbered(cases).items()} == {
        desk: list(range(1, len(messages) + 1)) for desk, messages in DESKS.items()
    }


# ---------------------------------------------------------------- by files, without Flink
@pytest.fixture(scope="module")
def routed(example, tmp_path_factory):
    folder = tmp_path_factory.mktemp("routed")
    return example("joined_jobs", folder), folder / "outputs.jsonl"


def test_messages_of_a_customer_are_numbered_in_their_order(routed):
    found = {one["message"]: one["number"] for one in routed[0].outputs}

    seen: Counter[str] = Counter()
    for message in MESSAGES:
        seen[message["customer"]] += 1
        assert found[message["message"]] == seen[message["customer"]]


def test_what_one_agent_puts_out_the_other_takes_in(routed, example, tmp_path):
    target = "joined_jobs/joined_agents.py:Desk"

    ran = example(target, tmp_path, "--input", routed[1], "--key", "desk")

    assert_complete(ran.outputs)


def test_a_confirmation_names_customer_case_and_desk(routed, example, tmp_path):
    target = "joined_jobs/joined_agents.py:Desk"

    ran = example(target, tmp_path, "--input", routed[1], "--key", "desk")

    for case in ran.outputs:
        for said in (case["customer"], str(case["case"]), case["desk"]):
            assert said in case["reply"]


# ---------------------------------------------------------------- on Flink
@pytest.mark.parametrize("jobs", [pytest.param(jobs, marks=flink) for jobs in ("two", "one")])
def test_on_flink_each_message_has_its_case(jobs, tmp_path):
    output = tmp_path / "out"

    run_python(EXAMPLE / "run_jobs.py", jobs, "--output", output)

    assert_complete(cases_in(output / "cases"))


# ---------------------------------------------------------------- failures
@dataclass
class Story:
    """What became of jobs whose agents failed."""

    cases: list[dict]
    notes: list[str]
    letters: list[dict]

    def committed_when(self, name: str) -> int:
        """How many cases were visible when an agent failed."""
        [line] = [one for one in self.notes if one.startswith(f"failed {name} with ")]
        return int(line.split()[3])


@pytest.fixture(scope="module", params=[pytest.param(jobs, marks=flink) for jobs in ("one", "two")])
def story(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("failing")
    run_python(FAILING, folder, request.param)
    letters = [case for name in ("unread", "unopened") for case in cases_in(folder / "out" / name)]
    notes = (folder / "notes").read_text().splitlines()
    return Story(cases_in(folder / "out/cases"), notes, letters)


@pytest.mark.parametrize("agent", ["reader", "desk"])
def test_the_agent_failed_in_the_midst(story, agent):
    assert 0 < story.committed_when(agent) < FED


@pytest.mark.parametrize("step", ["reads", "opens"])
def test_work_of_other_keys_was_under_way_when_it_failed(story, step):
    done = Counter(line for line in story.notes if line.startswith(f"{step} "))

    again = {line for line, times in done.items() if times > 1}
    assert len({line.split()[1].partition("-")[0] for line in again}) > 1


def test_each_message_has_one_case(story):
    wanted = {f"{customer}-{n}" for customer in CUSTOMERS for n in range(1, OF_EACH + 1)}

    assert Counter(case["message"] for case in story.cases) == Counter(wanted)


def test_no_message_is_put_aside(story):
    assert story.letters == []


def test_the_first_agent_counted_each_message_once(story):
    for case in story.cases:
        assert case["message"] == f"{case['customer']}-{case['number']}"


def test_the_second_agent_counted_each_case_once(story):
    for numbers in numbered(story.cases).values():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_each_case_is_at_the_desk_of_its_topic(story):
    for case in story.cases:
        [desk] = [desk for word, desk in TOPICS.items() if word in case["text"]]
        assert case["desk"] == desk
