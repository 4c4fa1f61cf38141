"""Teams at compile time: one plan of several agents, and what is wrong with them."""

from __future__ import annotations

import pytest
from team_agents import Archive, Editor, Writer, reviews

from headrace import AgentPlan, PlanError
from headrace.agent_builder import AgentBuilder
from headrace.teams import Team, route


def faults(team):
    with pytest.raises(PlanError) as caught:
        AgentPlan.from_agent(team)
    return [f"{fault.where}: {fault.message}" for fault in caught.value.faults]


class TestPlans:
    def test_actions_and_resources_are_named_by_their_members(self):
        plan = AgentPlan.from_agent(reviews("r"))

        assert list(plan.actions)[:2] == ["writer.write", "writer.think"]
        assert list(plan.resource_providers["chat_models"]) == ["editor.llm", "writer.llm"]

    def test_it_is_the_same_after_a_journey_as_json(self):
        plan = AgentPlan.from_agent(reviews("r"))

        again = AgentPlan.model_validate_json(plan.model_dump_json())

        assert (again, again.digest) == (plan, plan.digest)

    def test_the_modules_of_all_members_are_its_modules(self):
        assert AgentPlan.from_agent(reviews("r")).modules == {"team_agents"}

    def test_a_members_policy_of_failure_is_its_actions(self):
        strict = AgentBuilder(Archive).configure(failure={"attempts": 7})

        plan = AgentPlan.from_agent(Team("t", archive=strict))

        assert plan.actions["archive.keep"].policy.attempts == 7


class TestFaults:
    def test_those_of_members_are_told_with_the_members_name(self):
        found = faults(Team("t", writer=AgentBuilder("empty")))

        assert found[0].startswith("writer: empty: no action is triggered by the input")

    def test_a_route_to_nobody(self):
        team = Team("t", writer=Writer(), routes=[route("writer", "nobody")])

        assert faults(team) == ["t: route 1: 'nobody' is no member (writer)"]

    def test_a_member_that_nothing_leads_to(self):
        assert faults(Team("t", writer=Writer(), editor=Editor())) == [
            "t.editor: no route leads to this member"
        ]

    def test_settings_that_are_the_teams_to_say(self):
        own = AgentBuilder(Archive).configure(max_steps=5)

        [text] = faults(Team("t", archive=own))

        assert text == "t.archive: its settings max_steps are the whole team's to say"

    def test_a_start_that_is_no_member(self):
        assert "t: start: 'x' is no member (writer)" in faults(
            Team("t", writer=Writer(), start="x")
        )

    def test_no_members(self):
        assert faults(Team("t")) == ["t: a team has members"]

    def test_a_condition_that_cannot_be_read(self):
        with pytest.raises(ValueError, match="it knows only output, key and rounds"):
            route("a", "b", when="outptu.x == 1")
