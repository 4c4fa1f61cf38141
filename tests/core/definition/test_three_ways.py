"""One agent by class, by calls and from YAML: one plan."""

from __future__ import annotations

import pytest
from definition_agents import YAML, Watcher, built

from headrace import AgentPlan, RuntimeConfig
from headrace.agent_yaml import load_agent, parse_agent

WAYS = {"class": Watcher, "builder": built, "yaml": lambda: parse_agent(YAML)}


@pytest.fixture(params=WAYS)
def plan(request):
    return AgentPlan.from_agent(WAYS[request.param]())


def test_all_three_give_equal_plans():
    plans = [AgentPlan.from_agent(make()) for make in WAYS.values()]
    assert plans[0] == plans[1] == plans[2]


def test_all_three_give_the_same_bytes_and_digest():
    plans = [AgentPlan.from_agent(make()) for make in WAYS.values()]
    assert len({plan.model_dump_json() for plan in plans}) == 1
    assert len({plan.digest for plan in plans}) == 1


def test_the_plan_has_actions_in_order_with_their_triggers(plan):
    assert [(spec.name, spec.mode, spec.timeout) for spec in plan.actions.values()] == [
        ("note", "async", None),
        ("tell", "sync", 5),
    ]
    assert plan.actions["note"].triggers[0].when == "event.input.severity > 1"
    assert plan.actions_by_event == {"incident.opened": ("tell",), "input": ("note",)}


def test_the_plan_names_who_provides_each_resource(plan):
    provider = plan.resource_providers["chat_models"]["answers"]
    assert (provider.plugin, provider.distribution) == ("scripted", "headrace-scripted")
    assert plan.distributions["headrace-scripted"] == provider.version


def test_the_plan_has_parameters_and_settings(plan):
    assert plan.parameters == {"zone": "eu", "limit": 3}
    assert plan.config == RuntimeConfig(max_in_flight=7)


def test_the_plan_has_what_a_model_is_told_of_a_tool(plan):
    told = plan.resource_providers["tools"]["look"].arguments
    assert told["description"] == "Looks something up."
    assert told["parameters"]["properties"]["name"]["description"] == "What to look up."
    assert told["parameters"]["required"] == ["name"]


def test_a_yaml_file_may_start_from_a_class(tmp_path):
    file = tmp_path / "agent.yaml"
    file.write_text("class: definition_agents:Watcher\nparameters: {zone: us}\n")
    assert AgentPlan.from_agent(load_agent(file)) == AgentPlan.from_agent(Watcher(zone="us"))


def test_a_builder_may_start_from_a_class():
    from headrace import AgentBuilder

    made = AgentPlan.from_agent(AgentBuilder(Watcher, zone="us"))
    assert made == AgentPlan.from_agent(Watcher(zone="us"))
