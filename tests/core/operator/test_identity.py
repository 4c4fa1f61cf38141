"""The identity of a job: what follows it, and not the agent's name."""

from __future__ import annotations

import pytest
from unit_agents import Counting, Other, Renamed

from headrace import AgentPlan, RuntimeConfig
from headrace.errors import PlanError
from headrace.teams import Team


def test_it_is_the_agents_name_where_nothing_is_said():
    assert AgentPlan.from_agent(Counting()).identity == "Counting"


def test_it_is_what_the_setting_says():
    assert AgentPlan.from_agent(Renamed()).identity == "Counting"


def test_a_run_of_a_renamed_agent_has_the_name_that_it_had(bench):
    assert bench.run(Renamed(), "a").id == bench.run(Counting(), "a").id


def test_runs_of_two_jobs_have_different_names(bench):
    assert bench.run(Other(), "a").id != bench.run(Counting(), "a").id


def test_a_reference_into_memory_is_resolved_by_a_renamed_agent(bench):
    assert bench.run(Renamed(), "a").memory_home() == bench.run(Counting(), "a").memory_home()


def test_a_team_has_one_identity_and_its_members_have_none():
    team = Team("desk", writer=Counting(), config=RuntimeConfig(job="front-desk"))

    assert AgentPlan.from_agent(team).identity == "front-desk"
    with pytest.raises(PlanError, match="its settings job are the whole team's to say"):
        AgentPlan.from_agent(Team("desk", writer=Renamed()))
