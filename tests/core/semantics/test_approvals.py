"""Tool calls that wait for somebody's decision."""

from __future__ import annotations

import itertools

import pytest
from approval_agents import Refunds
from semantic_agents import by_key, fresh

from headrace import RuntimeConfig, run_local
from headrace.approvals import Decision
from headrace.flink._pages import shard_of
from headrace.values import key_id

YES, NO = {"approved": True}, {"approved": False}
CASES = {
    # key: what is wished for, and what is said to each of its requests, in which order
    "approved": (500, [(0, YES)]),
    "refused": (500, [(0, {**NO, "by": "Eva", "note": "too much"})]),
    "told": ("pay:500", [(0, NO)]),
    "beside": ("pay:500 pay:7", [(0, YES)]),
    "patterns": ("vault_look:1 vault_empty:2", [(0, YES)]),
    "small": (100, []),
    "late": ("hurry:1", []),
    "too late": ("insist:1", []),
    "broken": ("broken:1", []),
    "twice": (501, [(1, YES), (0, YES)]),
    "changed": (500, [(0, YES), (0, NO)]),
    "clerk": (500, [(0, YES)]),
    "clerk refused": (500, [(0, {**NO, "by": "Eva", "note": "too much"})]),
    "row": (500, [(0, YES)]),
}

# Another key of row's shard: Flink keeps the order of inputs in a shard, and between two none.
SHARDS = RuntimeConfig().shards
FREE = next(
    name
    for name in map("free{}".format, itertools.count())
    if shard_of(key_id(name), SHARDS) == shard_of(key_id("row"), SHARDS)
)


def wish(key):
    return {"key": key, "wish": CASES[key][0], "twice": CASES[key][0] == 501}


def requests(agent, engine):
    """For each key what it asks, in order: ids depend on the number that the engine gives."""
    by_request = lambda request: request["key"]  # noqa: E731
    if engine.name == "flink":  # each shard counts for itself
        found = [each for key in CASES for each in asked(agent, wish(key))]
    else:
        found = asked(agent, *map(wish, CASES))
    return {key: [each for each in found if by_request(each) == key] for key in CASES}


def asked(agent, *inputs):
    return run_local(agent, inputs, key=by_key).approvals


@pytest.fixture(scope="module")
def ran(engine):
    agent = Refunds(name=fresh("refunds"))
    known = requests(agent, engine)
    stray = Decision(id="nothing.at-all", key_id="sapproved", approved=True)
    decisions = [
        Decision(id=known[key][n]["id"], key_id=known[key][n]["key_id"], **said)
        for key, (_, says) in CASES.items()
        for n, said in says
    ]
    return engine.run(
        agent,
        [
            *map(wish, CASES),
            {"key": "row"},
            {"key": FREE},
            # Its run is under way for longer than some decisions may take: inputs may still come.
            {"key": "nap", "nap": 2},
            *(each.as_input() for each in [stray, *decisions]),
        ],
        key=by_key,
    )


@pytest.fixture
def said(ran):
    return lambda key: [output["said"] for output in ran.of("key", key)]


@pytest.fixture
def error(ran):
    def error(key):
        [found] = [each["error"] for each in ran.dead_letters if each["input"]["key"] == key]
        return found

    return error


class TestDecisions:
    def test_an_approved_call_is_made(self, said):
        assert said("approved") == ["paid 500"]

    def test_a_refused_call_is_not_made_and_the_caller_is_told_by_whom_and_why(self, said):
        assert said("refused") == ["the call of pay was refused by Eva: too much"]

    def test_a_call_that_a_sub_agent_makes_waits_too(self, said):
        assert said("clerk") == ["the clerk paid 500"]
        assert "too much" in said("clerk refused")[0]

    def test_a_model_is_told_of_a_refusal(self, said):
        assert said("told") == ["Error: the call of pay was refused"]

    def test_calls_beside_it_are_made_at_once(self, said):
        assert said("beside") == ["paid 500 / paid 7"]

    def test_of_a_toolset_those_wait_that_its_patterns_name(self, said):
        assert said("patterns") == ["vault_look 1 / vault_empty 2"]

    def test_two_equal_calls_are_asked_about_apart(self, said):
        assert said("twice") == [["paid 501", "paid 501"]]

    def test_the_first_decision_counts(self, said):
        assert said("changed") == ["paid 500"]


class TestNoDecision:
    def test_a_call_that_needs_none_is_made_at_once(self, said):
        assert said("small") == ["paid 100"]

    def test_when_its_time_is_over_the_model_is_told(self, said):
        assert said("late") == ["Error: nobody decided whether hurry may be called within 0.05 s"]

    def test_when_its_time_is_over_the_run_fails_where_the_rule_says_so(self, error):
        assert error("too late") == (
            "ApprovalTimeoutError: nobody decided whether insist may be called within 0.05 s"
        )

    def test_a_condition_that_fails_fails_the_run_and_is_named(self, error):
        assert error("broken").startswith(
            "ConditionError: the approval's condition 'args.amount.nothing'"
        )


class TestOrder:
    def test_inputs_of_the_key_wait_behind_it(self, said):
        assert said("row") == ["paid 500", "nothing"]

    def test_those_of_other_keys_do_not(self, ran):
        keys = [output["key"] for output in ran.outputs]

        assert keys.index(FREE) < keys.index("row")
