"""Agents that plan first: what is done, in which order, and when the plan is revised."""

from __future__ import annotations

import pytest
from planning_agents import Delegating, Trip, trips

from headrace import AgentPlan


@pytest.fixture(scope="module")
def trip(engine):
    [output] = engine.run(Trip(), ["trip"]).outputs
    return output


@pytest.fixture(scope="module")
def delegated(local):
    cases = ["trip", "revised", "enough", "hopeless"]
    return dict(zip(cases, local.run(Delegating(), cases, key=lambda _: "k").outputs, strict=True))


def test_the_answer_is_made_of_what_the_steps_gave(trip):
    assert "result: did find a train\n" in trip
    assert "result: did find an inn\n" in trip


def test_a_step_is_told_the_results_that_it_waits_for(trip):
    assert "result: did book both after" in trip


def test_a_plan_that_cannot_be_done_is_told_why_and_made_again(local):
    [output] = local.run(Trip(), ["bad form"]).outputs

    assert "did find a train" in output


def test_a_sub_agent_does_the_steps(delegated):
    assert 'result: {"worked": "book both"}' in delegated["trip"]


def test_a_step_that_failed_has_the_plan_revised(delegated):
    revised = delegated["revised"]

    assert "the sub-agent 'doer' failed\n" in revised
    assert 'result: {"worked": "find a train"}' in revised


def test_what_waits_for_a_failed_step_is_not_done(delegated):
    assert "never" not in delegated["revised"]


def test_the_planner_may_say_that_it_is_enough(delegated):
    assert delegated["enough"].count("<step") == 1


def test_there_is_an_end_to_revising(delegated):
    assert "failed" in delegated["hopeless"]


def test_a_class_and_arguments_give_one_plan():
    first, second = (AgentPlan.from_agent(agent) for agent in trips())

    assert (first.parameters, first.agent_class) == (second.parameters, second.agent_class)
