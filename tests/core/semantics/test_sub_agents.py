"""Agents that an action or a model asks within its run."""

from __future__ import annotations

import pytest
from nested_agents import Desk, blocking_desk

CASES = [
    "one",
    "nested",
    "gather",
    "conflict",
    "queue",
    "failure",
    "time",
    "budget",
    "flaky",
    "many",
    "single",
    "team",
    "model",
    "tool",
]


@pytest.fixture(scope="module")
def ran(engine):
    """One job: each case in a key of its own, and one key with several inputs."""
    inputs = [{"key": case, "case": case} for case in CASES]
    inputs += [{"key": "broken model", "case": "model", "text": "burn"}]
    inputs += [{"key": "long", "case": case} for case in ("one", "lost", "one", "memory")]
    return engine.run(Desk(), inputs, key=by_key)


def by_key(value):
    return value["key"]


def found(ran, case):
    [output] = [one for one in ran.outputs if one["case"] == case][:1]
    return output["found"]


def test_an_action_is_given_what_the_sub_agent_put_out(ran):
    assert found(ran, "nested") == {
        "found": {"text": "in:x", "read": 1, "now": 1},
        "read": 100,
    }


def test_its_memory_is_its_own_and_stays_when_the_run_commits(ran):
    of_key = [one["found"] for one in ran.outputs if one["case"] in {"one", "memory"}]
    counts = [one["read"] if isinstance(one, dict) else one for one in of_key]

    assert sorted(counts) == [-1, 1, 1, 2]


def test_a_run_that_fails_leaves_the_sub_agents_memory_as_it_was(ran):
    # Of the key's three calls the second one's run is a dead letter: the third counts to two.
    assert [letter["input"]["case"] for letter in ran.dead_letters] == ["lost"]
    assert max(one["found"]["read"] for one in ran.outputs if one["case"] == "one") == 2


def test_several_are_asked_at_a_time(ran):
    assert [one["read"] for one in found(ran, "gather")] == [1, 100]


def test_overlapping_calls_of_one_that_write_different_values_conflict(ran):
    assert found(ran, "conflict") == "MemoryConflictError"


def test_one_at_a_time_each_sees_what_the_one_before_wrote(ran):
    queued = found(ran, "queue")

    assert [(one["text"], one["read"], one["now"]) for one in queued] == [
        ("q:a", 1, 1),
        ("q:b", 2, 1),
        ("q:c", 3, 1),
    ]


def test_a_failure_is_an_exception_that_names_the_sub_agents(ran):
    agent, retryable, text = found(ran, "failure")

    assert (agent, retryable) == ("researcher", True)
    assert "'researcher' failed" in text
    assert "'reader' failed: ValueError: it burns" in text


def test_one_that_takes_too_long_is_ended(ran):
    assert "'slow' failed: CallTimeoutError: it took longer than 0.05 s" in found(ran, "time")


def test_a_budget_of_its_own_ends_it_and_not_the_run(ran):
    retryable, text = found(ran, "budget")

    assert not retryable
    assert "have used 2 calls of 2" in text


def test_its_own_policy_tries_its_actions_again(ran):
    assert found(ran, "flaky") == "attempt 2"


def test_one_that_puts_out_many_values_gives_a_list(ran):
    assert found(ran, "many") == [[], [0], [0, 1, 2]]


def test_one_value_is_what_is_asked_for_unless_it_is_said(ran):
    none, text = found(ran, "single")

    assert none is None
    assert "put out 2 values" in text


def test_a_team_may_be_a_sub_agent(ran):
    assert found(ran, "team") == "{'TEXT': 'R:X', 'READ': 1, 'NOW': 1}"


def test_a_model_calls_it_as_a_tool(ran):
    answers = [one["found"] for one in ran.outputs if one["case"] == "model"]

    assert any('"found": {"text": "in:x"' in one and '"text": "r:x"' in one for one in answers)


def test_a_model_is_told_that_it_failed(ran):
    answers = [one["found"] for one in ran.outputs if one["case"] == "model"]

    assert any("Error: the sub-agent 'researcher' failed + " in one for one in answers)


def test_it_can_be_called_as_a_tool_by_name(ran):
    assert found(ran, "tool")["text"] == "r:x"


def test_an_action_in_a_thread_waits_for_it(local):
    [output] = local.run(blocking_desk(), ["x"]).outputs

    assert output["text"] == "b:x"
