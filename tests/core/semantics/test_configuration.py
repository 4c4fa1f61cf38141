"""What actions and tools read of the configuration, on every engine."""

from __future__ import annotations

from configured_agents import Blocked, Desk, two_desks, warning_twice

from headrace import AgentBuilder


def test_actions_and_tools_read_the_projects_values(engine):
    agent = AgentBuilder(Desk).values(tenant="acme", money={"currency": "CHF"})

    assert engine.run(agent, [1]).outputs == [{"tenant": "acme", "price": "3 CHF"}]


def test_an_action_in_a_thread_reads_them_too(engine):
    assert engine.run(Blocked(), [1]).outputs == ["acme"]


def test_one_function_is_two_actions_each_with_settings_of_its_own(engine):
    assert engine.run(warning_twice(), [15, 25]).outputs == ["high", "high", "highest"]


def test_members_of_a_team_read_the_teams_values(engine):
    assert engine.run(two_desks(), [1]).outputs == [{"tenant": "acme", "price": "3 CHF"}]
