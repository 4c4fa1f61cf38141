"""Three skills of different kinds: the right answers, and no more loaded than a ticket needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "support_desk"

# By the rules of the skills: all within 30 days if unopened, 0.8 of it if opened, all within 90
# days if it arrived damaged, a person after 90; the advisories say which versions have a fault.
OUTCOMES = {
    101: ("refund", "49.90 EUR"),
    102: ("no known fault", "no such fault"),  # 1.10.0 is newer than 1.9.3
    103: ("refund", "96.00 EUR"),
    104: ("known fault", "1.9.3"),
    105: ("refund", "80.00 EUR"),
    106: ("person", "claims team"),
    107: ("person", "A person"),
    108: ("no known fault", "no such fault"),
    109: ("no refund", "after 30 days"),
}


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """The replies by ticket, and the records of what happened."""
    folder = tmp_path_factory.mktemp("desk")
    command = [sys.executable, "-c", "from headrace_cli.main import main; main()", "run"]
    files = ["--output", str(folder / "replies"), "--events", str(folder / "events")]
    run = subprocess.run(
        [*command, str(EXAMPLE), *files],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert run.returncode == 0, run.stderr
    replies = map(json.loads, (folder / "replies").read_text().splitlines())
    events = [json.loads(line) for line in (folder / "events").read_text().splitlines()]
    return {reply["ticket"]: reply for reply in replies}, events


@pytest.fixture(scope="module")
def replies(job):
    return job[0]


@pytest.fixture(scope="module")
def used(job):
    """What each customer's tickets made of the skills: what, which skill, which file."""
    found: dict[str, set[tuple[str, str, str]]] = {}
    for event in job[1]:
        if event["kind"] == "skill":
            step = (event["what"], event["name"], event["data"]["file"])
            found.setdefault(event["key"], set()).add(step)
    return found


@pytest.mark.parametrize("ticket", OUTCOMES)
def test_each_ticket_has_its_answer(replies, ticket):
    outcome, words = OUTCOMES[ticket]
    assert replies[ticket]["outcome"] == outcome
    assert words in replies[ticket]["reply"]


def test_a_customers_tickets_are_counted_in_order(replies):
    assert [replies[ticket]["number"] for ticket in (101, 104, 102, 106, 107, 108)] == [1, 2] * 3


def test_a_question_that_no_other_skill_is_for_loads_the_style_only(job):
    by_run: dict[str, list[str]] = {}
    for event in job[1]:
        if event["kind"] == "skill" and event["key"] == "eve":
            by_run.setdefault(event["run"], []).append(event["name"])
    assert ["reply-style"] in by_run.values()  # the question about shipping


def test_only_the_exception_reads_the_reference_file(used):
    read = {key for key, steps in used.items() if any(step[0] == "read" for step in steps)}
    assert read == {"bob"}
    assert ("read", "refund-rules", "references/exceptions.md") in used["bob"]


def test_a_refund_never_loads_the_advisories(used):
    assert {step[1] for step in used["cem"]} == {"refund-rules", "reply-style"}


def test_every_step_says_which_version_and_how_many_tokens(job):
    versions = {"reply-style": "1.1.0", "refund-rules": "2.0.1", "version-advisories": "0.3.0"}
    steps = [one for one in job[1] if one["kind"] == "skill"]
    assert {one["data"]["version"] == versions[one["name"]] for one in steps} == {True}
    assert min(one["data"]["tokens"] for one in steps) > 0
