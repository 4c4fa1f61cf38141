"""A ready agent as a class, by arguments, in YAML: one plan."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from semantic_ready import Asking, Mirror, Verdict, Zoned, look, weight_of

from headrace import AgentBuilder, AgentPlan, JobFailedError, PlanError, RuntimeConfig, use
from headrace.agent_yaml import parse_agent
from headrace.agents import ChatAgent, ReActAgent, Recall
from headrace.history import History

CHEAP = {"max_tokens": 50}


PARAMETERS = {
    "instructions": "You sit at a desk.\n\n  Be short.",
    "tools": [look, weight_of],
    "output": Verdict,
    "options": CHEAP,
    "history": History(max_messages=8),
    "memory": Recall(keep="nothing"),
    "include": "usage",
}


class Desk(ReActAgent):
    """Answers at a desk."""

    config = RuntimeConfig(max_tool_rounds=4)
    model = use("chat_models", Mirror)
    instructions = """
        You sit at a desk.

          Be short.
    """
    tools = (look, weight_of)
    output = Verdict
    options = CHEAP
    history = History(max_messages=8)
    memory = Recall(keep="nothing")
    include = "usage"


def by_arguments():
    model = use("chat_models", Mirror)
    described = {"name": "Desk", "description": "Answers at a desk."}
    builder = AgentBuilder(ReActAgent, model=model, **described, **PARAMETERS)
    return builder.configure(max_tool_rounds=4)


YAML = """\
class: headrace.agents:ReActAgent
name: Desk
description: Answers at a desk.
config: {max_tool_rounds: 4}
parameters:
  instructions: |
    You sit at a desk.

      Be short.
  tools: ["semantic_ready:look", "semantic_ready:weight_of"]
  output: semantic_ready:Verdict
  options: {max_tokens: 50}
  history: {max_messages: 8}
  memory: {keep: nothing}
  include: usage
resources:
  model: {kind: chat_models, use: "semantic_ready:Mirror"}
"""
WAYS = {"class": Desk, "arguments": by_arguments, "yaml": lambda: parse_agent(YAML)}


@pytest.fixture(params=WAYS)
def plan(request):
    return AgentPlan.from_agent(WAYS[request.param]())


def test_all_three_give_the_same_bytes():
    plans = [AgentPlan.from_agent(make()) for make in WAYS.values()]

    assert len({plan.model_dump_json() for plan in plans}) == 1


def test_arguments_alone_are_enough_without_a_builder():
    agent = ReActAgent(name="Desk", description="Answers.", model=use("chat_models", Mirror))

    plan = AgentPlan.from_agent(agent)

    assert (plan.name, plan.description) == ("Desk", "Answers.")


def test_the_plan_has_the_model_and_the_tools_as_resources(plan):
    kinds = {kind: list(found) for kind, found in plan.resource_providers.items()}

    assert kinds == {"chat_models": ["model"], "tools": ["look", "weigh"]}


def test_the_plan_has_the_form_by_its_name(plan):
    assert plan.parameters["output"] == "semantic_ready:Verdict"


def test_the_plan_has_instructions_without_the_indent_of_the_source(plan):
    assert plan.parameters["instructions"] == "You sit at a desk.\n\n  Be short."


def test_a_plan_goes_through_json_and_back(plan):
    assert AgentPlan.model_validate_json(plan.model_dump_json()) == plan


def test_a_class_that_only_sets_values_need_not_be_there_on_a_worker(plan):
    assert plan.agent_class == "headrace.agents._ready:ReActAgent"


def test_a_class_with_a_field_or_a_method_of_its_own_is_named():
    assert AgentPlan.from_agent(Zoned()).agent_class == "semantic_ready:Zoned"


def test_a_class_may_say_the_values_of_a_subclass_of_its_own():
    class Us(Zoned):
        zone = "us"

    assert Us().zone == "us"


def test_a_class_without_a_text_of_its_own_has_no_description():
    class Bare(ChatAgent):
        model = use("chat_models", Mirror)

    assert AgentPlan.from_agent(Bare()).description == ""


def test_the_model_may_have_another_name_and_be_the_only_one(run):
    class Bare(ChatAgent):
        llm = use("chat_models", Mirror)

    assert run(Bare(), "say hi") == ["hi"]


def test_of_several_models_the_one_called_model_is_asked(run):
    agent = AgentBuilder(ChatAgent, model=use("chat_models", Mirror))
    agent.resource("another", use("chat_models", "scripted", policy={"rules": []}))

    assert run(agent, "say hi") == ["hi"]


def test_a_model_may_be_chosen_by_its_name(run):
    agent = AgentBuilder(ChatAgent, model="second")
    agent.resource("first", use("chat_models", "scripted", policy={"rules": []}))
    agent.resource("second", use("chat_models", Mirror))

    assert run(agent, "say hi") == ["hi"]


@pytest.mark.parametrize(
    ("models", "told"), [([], "no chat models"), (["a", "b"], r"2 chat models \(a, b\)")]
)
def test_without_a_model_to_ask_the_run_fails_and_says_what_to_write(run, models, told):
    agent = AgentBuilder(ChatAgent)
    for name in models:
        agent.resource(name, use("chat_models", Mirror))

    with pytest.raises(JobFailedError, match=f"{told}.* model=use"):
        run(agent, "say hi")


def test_a_subclass_may_ask_in_actions_of_its_own(run):
    assert run(Asking(), "twice")[1:] == ["again"]


FAULTS = {
    "a parameter that there is not": ({"instruction": "x"}, "Extra inputs are not permitted"),
    "a form that cannot be imported": ({"output": "semantic_ready:Nothing"}, "has no Nothing"),
    "a form that is no schema": ({"output": {"type": "nothing"}}, "no JSON schema"),
    "a form without a name": ({"output": list[int]}, "name it at the top of a module"),
    "a tool that is none": ({"tools": [7]}, "7 is no tool"),
    "a tool that cannot be imported": ({"tools": ["semantic_ready:no"]}, "has no no"),
    "a tool that is no function": ({"tools": ["semantic_ready:Verdict"]}, "is no function"),
    "a tool of another kind": ({"tools": [use("memory", "x")]}, "is no tool"),
    "two tools of one name": ({"tools": [look, "look"]}, "two tools are called 'look'"),
    "something to include": ({"include": ["secrets"]}, "'secrets' cannot be included"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_a_parameter_is_told_where_it_is_given(fault):
    parameters, told = FAULTS[fault]

    with pytest.raises(ValidationError, match=told):
        ReActAgent(**parameters)


def test_what_is_wrong_with_a_value_of_a_class_is_told_when_it_is_used():
    class Wrong(ChatAgent):
        include = "secrets"

    with pytest.raises(ValidationError, match="'secrets' cannot be included"):
        Wrong()


def test_in_yaml_it_is_told_with_its_line():
    with pytest.raises(PlanError, match=r"agent.yaml:11:11.*has no Nothing"):
        parse_agent(YAML.replace("semantic_ready:Verdict", "semantic_ready:Nothing"))


def test_a_tool_that_a_worker_could_not_import_is_a_fault_of_the_plan():
    agent = ReActAgent(model=use("chat_models", Mirror), tools=[lambda what: what])

    with pytest.raises(PlanError, match="a lambda has no name that a worker could import"):
        AgentPlan.from_agent(agent)
