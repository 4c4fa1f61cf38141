"""A team with a validator: what leaves it as approved keeps the rules, and it always ends."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "review_team"
REVIEWS = {
    one["review"]: one
    for one in map(json.loads, (EXAMPLE / "data/reviews.jsonl").read_text().splitlines())
}

# How many drafts a reply needs, by the drafts of the policy and the rules of the validator.
DRAFTS = {
    1: 1,
    2: 2,  # the first has more than 300 characters
    3: 2,  # the first promises money
    4: 3,  # the first blames the customer, the second does not name the product
    5: 4,  # every one has a number of a telephone: it is sent back three times, and leaves
    6: 1,
}


@pytest.fixture(scope="module")
def ran(example, tmp_path_factory):
    return example("review_team", tmp_path_factory.mktemp("team"))


@pytest.fixture(scope="module")
def replies(ran):
    return {one["review"]: one for one in ran.outputs}


@pytest.fixture
def faults_of(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLE))
    from reply_rules import faults_of

    return faults_of


def test_each_review_leaves_once(ran):
    assert (sorted(one["review"] for one in ran.outputs), ran.letters) == (sorted(REVIEWS), [])


@pytest.mark.parametrize("review", DRAFTS)
def test_a_reply_is_drafted_as_often_as_it_is_wrong_and_three_times_more_at_most(replies, review):
    assert replies[review]["drafts"] == DRAFTS[review]


def test_all_but_the_one_that_never_gets_right_are_approved(replies):
    assert {number for number, one in replies.items() if not one["approved"]} == {5}


def test_what_is_not_approved_says_why(replies):
    [fault] = replies[5]["faults"]

    assert fault.startswith("contact: ")


@pytest.mark.parametrize("review", sorted(set(DRAFTS) - {5}))
def test_an_approved_reply_keeps_the_rules(replies, review):
    reply = replies[review]["draft"]

    assert len(reply) <= 300
    assert REVIEWS[review]["customer"] in reply
    assert REVIEWS[review]["product"] in reply
    assert not re.search(r"money|refund|voucher|@|\d{3}", reply)


def test_the_readmes_chart_is_the_teams(agents_command, tmp_path):
    shown = re.search(r"```mermaid\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.DOTALL)

    made = agents_command("plan", EXAMPLE, "--mermaid", cwd=tmp_path)

    assert shown is not None
    assert shown[1] == made.stdout


@pytest.mark.slow
@pytest.mark.flink
@pytest.mark.timeout(600)
def test_flink_gives_the_same_replies(ran, example, tmp_path):
    on_flink = example("review_team", tmp_path, "--engine", "flink")

    assert sorted(map(json.dumps, on_flink.outputs)) == sorted(map(json.dumps, ran.outputs))


# ---------------------------------------------------------------- the rules
GOOD = "Dear Ada, thank you for your words about the Harbour tent."


def test_a_good_draft_has_no_faults(faults_of):
    assert faults_of(GOOD, customer="Ada", product="Harbour tent") == []


@pytest.mark.parametrize(
    ("draft", "kinds"),
    [
        (GOOD + "x" * 243, ["length"]),  # 301 characters
        (GOOD.replace("Ada", "Adam"), ["name"]),
        (GOOD.replace("Harbour tent", "tent"), ["product"]),
        (GOOD + " You will be refunded.", ["promise"]),
        (GOOD + " Here is a Voucher.", ["promise"]),
        (GOOD + " Write to help@shop.example.", ["contact"]),
        (GOOD + " Call 030 123 45 67.", ["contact"]),
        ("Your money back? Call 030 1234567.", ["name", "product", "promise", "contact"]),
        (" ", ["empty", "name", "product"]),
    ],
)
def test_every_fault_of_a_draft_is_named(faults_of, draft, kinds):
    found = faults_of(draft, customer="Ada", product="Harbour tent")

    assert [fault.partition(":")[0] for fault in found] == kinds


def test_a_draft_of_exactly_the_length_may_leave(faults_of):
    draft = GOOD + "x" * (300 - len(GOOD))

    assert faults_of(draft, customer="Ada", product="Harbour tent") == []
