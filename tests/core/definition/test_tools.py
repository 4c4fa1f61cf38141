"""What a tool's declaration hides and promises, and declarations that disagree."""

from __future__ import annotations

import json

import hidden_tools
import pytest
from hidden_tools import Clashing, Customer, do, orders

from headrace import AgentBuilder, AgentPlan, InputEvent, PlanError, use
from headrace.agent_yaml import parse_agent
from headrace.hidden import FromConfig, FromContext, FromMemory, descend, read_source

HIDDEN = {"tenant": FromMemory("user.tenant"), "region": FromConfig("region")}
YAML = """
name: listing
parameters: {region: north}
actions:
  - {function: "hidden_tools:do", on: input}
tools:
  - function: hidden_tools:orders
    hidden: {tenant: "memory:user.tenant", region: "config:region"}
    on_error: fail
"""


def faults(agent):
    with pytest.raises(PlanError) as caught:
        AgentPlan.from_agent(agent)
    return [str(fault) for fault in caught.value.faults]


@pytest.fixture(scope="module")
def told():
    return faults(Clashing())


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("two_sources", "has two sources: memory:x and config:region"),
        ("other_source", "has two sources: memory:x and memory:y"),
        ("with_default", "comes from memory:x and has a default"),
        ("with_words", "is hidden, and described for the model"),
        ("inside", "has a source inside its type"),
        ("inside_model", "has a source inside its type"),
        ("not_called", "has a source inside its type"),
        ("unknown_parameter", "there is no parameter 'tenent' to hide"),
        ("no_such_config", "did you mean 'region'?"),
        ("no_such_context", "the context has no 'weather'"),
        ("given_and_hidden", "is given by the runtime"),
        ("described_twice", "is described as 'which' in the docstring and as 'how many'"),
        ("bad_default", "n: Input should be greater than or equal to 1"),
        ("ignoring", "on_error is 'tell' or 'fail', got 'ignore'"),
    ],
)
def test_declarations_that_disagree_are_told_with_their_place(told, place, words):
    assert [text for text in told if text.startswith(f"{place} (") and words in text]


def test_each_of_them_is_told_once(told):
    assert len(told) == 14


def test_what_is_hidden_is_in_no_schema():
    builder = AgentBuilder("listing", region="north").action(do, InputEvent)
    plan = AgentPlan.from_agent(builder.tool(orders, hidden=HIDDEN, on_error="fail"))
    tool = plan.resource_providers["tools"]["orders"]

    assert list(tool.arguments["parameters"]["properties"]) == ["status"]
    assert tool.arguments["hidden"] == {"tenant": "memory:user.tenant", "region": "config:region"}


def test_the_builder_and_yaml_say_the_same():
    builder = AgentBuilder("listing", region="north").action(do, InputEvent)
    plan = AgentPlan.from_agent(builder.tool(orders, hidden=HIDDEN, on_error="fail"))

    assert AgentPlan.from_agent(parse_agent(YAML)) == plan


def test_a_class_says_the_same_of_its_tool():
    plan = AgentPlan.from_agent(AgentBuilder(hidden_tools.Listing).action(do, InputEvent))
    tool = AgentPlan.from_agent(parse_agent(YAML)).resource_providers["tools"]["orders"]

    assert plan.resource_providers["tools"]["orders"].model_dump() == tool.model_dump()


def test_a_source_that_yaml_does_not_know_has_line_and_column():
    with pytest.raises(PlanError) as caught:
        parse_agent(YAML.replace("config:region", "vault:region"))
    [fault] = caught.value.faults
    assert fault.where == "agent.yaml:8:52"
    assert "names no source" in fault.message


def test_a_toolset_says_what_follows_a_call_that_fails():
    shop = use("tools", "headrace.testing:Toolset").with_on_error("fail")

    assert shop.on_error == "fail"


def test_only_tools_have_calls_that_fail():
    model = use("chat_models", "hidden_tools:Customer").with_on_error("fail")
    builder = AgentBuilder("a").action(do, InputEvent).resource("m", model)

    [fault] = [text for text in faults(builder) if "with_on_error" in text]
    assert fault.startswith("a.m: only tools have calls that fail")


@pytest.mark.parametrize("path", ["", ".", "a..b", "a."])
def test_a_path_of_nothing_is_refused(path):
    with pytest.raises(ValueError, match="takes names joined by dots"):
        FromMemory(path)


@pytest.mark.parametrize("source", [FromMemory("a.b"), FromConfig("a"), FromContext("key")])
def test_a_source_comes_back_from_its_text(source):
    assert read_source(str(source)) == source


def test_a_path_leads_through_mappings_and_dataclasses():
    assert descend({"who": Customer("acme")}, ["who", "tenant"]) == "acme"


@pytest.mark.parametrize("value", ["a text", 1, None, ["a"], Customer])
def test_a_path_through_anything_else_leads_nowhere(value):
    with pytest.raises(KeyError):
        descend(value, ["tenant"])


def test_a_plan_with_hidden_parameters_comes_back_from_json():
    plan = AgentPlan.from_agent(parse_agent(YAML))

    assert AgentPlan.model_validate(json.loads(plan.model_dump_json())) == plan
