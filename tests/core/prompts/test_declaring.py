"""Prompts in an agent's declarations: bound to models, in three ways of writing."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest
from prompt_agents import (
    Complete,
    Incomplete,
    Letter,
    Loose,
    Mirror,
    Reader,
    Writer,
    answered,
    greeting,
)

from headrace import AgentBuilder, AgentPlan, Message, Prompt, run_local, use
from headrace.agent_yaml import parse_agent
from headrace.errors import PlanError
from headrace.events import InputEvent
from headrace.teams import Team, route

YAML = """
name: Writer
resources:
  model: {kind: chat_models, use: "prompt_agents:Mirror", prompt: tone}
prompts:
  tone:
    messages:
      - {role: system, content: "You speak {language}."}
      - {role: user, content: "What is this?", images: [{url: "https://example.org/{id}.png"}]}
  made: "Hello {name}"
actions:
  - {function: "prompt_agents:answered", on: input}
"""


def tone():
    image = {"url": "https://example.org/{id}.png"}
    return Prompt(
        messages=[
            Message(role="system", content="You speak {language}."),
            Message(role="user", content="What is this?", images=[image]),
        ]
    )


def faults(agent):
    with pytest.raises(PlanError) as failure:
        AgentPlan.from_agent(agent)
    return [str(fault) for fault in failure.value.faults]


def builder(**resources):
    made = AgentBuilder("Writer").action(answered, InputEvent)
    for name, resource in resources.items():
        made.resource(name, resource)
    return made


def model(name="tone"):
    return use("chat_models", "prompt_agents:Mirror").with_prompt(name)


def test_a_bound_prompt_is_in_the_plan_in_the_same_way_however_it_was_written():
    built = builder(model=model(), tone=tone(), made=Prompt("Hello {name}"))
    plans = [AgentPlan.from_agent(each) for each in (Writer(), built, parse_agent(YAML))]

    assert plans[0].resource_providers["chat_models"]["model"].prompt == "tone"
    assert plans[0].resource_providers == plans[1].resource_providers == plans[2].resource_providers


def test_the_plan_says_it_after_json_too():
    plan = AgentPlan.from_agent(Writer())

    assert AgentPlan.model_validate_json(plan.model_dump_json()) == plan


def test_a_prompt_that_is_not_there_is_a_fault_that_names_the_nearest():
    assert faults(builder(model=model("tune"), tone=tone())) == [
        "Writer.model: the agent has no prompt 'tune' (it has: tone)\n    did you mean 'tone'?"
    ]


def test_where_there_is_none_the_fault_says_how_one_is_declared():
    assert faults(builder(model=model("tone"))) == [
        "Writer.model: the agent has no prompt 'tone' (it has: none)\n"
        "    declare it, as in tone = Prompt(...)"
    ]


def test_only_chat_models_have_one():
    tools = use("tools", "prompt_agents:NoTools").with_prompt("tone")

    assert faults(builder(shop=tools, tone=tone())) == [
        "Writer.shop: only chat models have a prompt: leave out with_prompt(...)"
    ]


class TestOfTheProjectsCode:
    def prompt(self, target, **arguments):
        agent = builder(made=use("prompts", target, **arguments))
        return AgentPlan.from_agent(agent).resource_providers["prompts"]["made"]

    def test_a_prompt_of_a_module_is_read_into_the_plan(self):
        provider = self.prompt("prompt_agents:HELLO")

        assert provider.target is None
        assert Prompt(**provider.arguments) == Prompt("Hello {name}")

    def test_a_function_is_asked_for_one_when_the_agent_is_compiled(self):
        provider = self.prompt("prompt_agents:greeting", word="Ave")

        assert provider.target is None
        assert Prompt(**provider.arguments) == greeting("Ave")

    def test_a_text_of_a_module_is_one(self):
        assert Prompt(**self.prompt("prompt_agents:TEXT").arguments) == Prompt("Only {text}")

    def test_a_class_is_built_on_the_worker(self):
        provider = self.prompt("prompt_agents:Elsewhere", city="Bern")

        assert (provider.target, provider.arguments) == (
            "prompt_agents:Elsewhere",
            {"city": "Bern"},
        )

    @pytest.mark.parametrize(
        ("target", "arguments", "said"),
        [
            ("prompt_agents:HELLO", {"a": 1}, "is no function, so it takes no arguments: a"),
            ("prompt_agents:greeting", {"a": 1}, "cannot be made: TypeError: greeting() got an"),
            ("prompt_agents:NUMBER", {}, "is a int: it must be a Prompt, a text, or a function"),
            ("prompt_agents:Mirror", {}, "what fills it elsewhere is a PromptSource"),
            ("prompt_agents:nothing", {}, "has no nothing"),
        ],
    )
    def test_what_is_no_prompt_is_a_fault(self, target, arguments, said):
        [fault] = faults(builder(made=use("prompts", target, **arguments)))

        assert fault.startswith("Writer.made: ")
        assert said in fault


@pytest.mark.parametrize(
    ("prompts", "said"),
    [
        ("{p: {}}", "agent.yaml:2:14: a prompt has either a text or messages"),
        (
            "{p: {messages: []}}",
            "messages: Tuple should have at least 1 item",
        ),
        ("{p: {messages: [{role: boss}]}}", "role: Input should be 'system', 'user'"),
    ],
)
def test_a_prompt_in_yaml_that_is_none_is_a_fault_with_its_place(prompts, said):
    with pytest.raises(PlanError) as failure:
        parse_agent(f"name: a\nprompts: {prompts}\n")

    assert said in str(failure.value)


class TestFieldsThatNothingFills:
    def test_where_all_are_given_or_nobody_can_know_there_is_no_fault(self):
        AgentPlan.from_agent(Complete())

    def test_what_an_action_leaves_out_is_a_fault_with_its_line(self):
        told = [fault.partition(": ")[2] for fault in faults(Incomplete())]
        tone = "the prompt 'tone', filled LINE, has the field"
        name = "which nothing fills\n    give it, or write {{name}} where the text itself is meant"

        assert [re.sub(r"(in )?line \d+", "LINE", fault) for fault in told] == [
            f"{tone} {{language}}, which nothing fills\n    did you mean {{langage}}? "
            "give it, or write {{language}} where the text itself is meant",
            f"{tone} {{name}}, {name}",
            f"{tone} {{name}}, {name}",
            "the agent has no prompt 'aks' (it has: ask, made, tone)\n    did you mean 'ask'?",
            f"{tone} {{name}}, {name}",
            "the agent has no prompt 'tune' (it has: ask, made, tone)\n    did you mean 'tone'?",
            "the prompt that is given LINE has the field {severity}, which nothing fills\n"
            "    give it, or write {{severity}} where the text itself is meant",
        ]

    def test_the_line_is_that_of_the_call(self):
        lines = [int(n) for each in faults(Incomplete()) for n in re.findall(r"line (\d+)", each)]
        code = Path(inspect.getsourcefile(Incomplete)).read_text(encoding="utf-8").splitlines()

        assert [code[number - 1].partition("(")[2].partition(",")[0] for number in lines] == [
            '"model"', '"model"', '"model"', '"model"', '"tone"', '"tune"', '"plain"',
        ]  # fmt: skip


class TestReadyAgentsWithAFormOfInputs:
    def test_fields_of_the_input_and_of_the_agent_are_known(self):
        AgentPlan.from_agent(Reader())

    def test_other_fields_of_instructions_and_prompt_are_faults(self):
        agent = Reader(instructions="You are {languge}.", prompt="{sendr} {{sendr}} {input}")

        assert faults(agent) == [
            "Reader.instructions: it has the field {languge}, which nothing fills\n"
            "    did you mean {language}? "
            "give it, or write {{languge}} where the text itself is meant",
            "Reader.prompt: it has the field {sendr}, which nothing fills\n"
            "    did you mean {sender}? give it, or write {{sendr}} where the text itself is meant",
        ]

    def test_so_are_those_of_the_models_prompt(self):
        bound = use("chat_models", Mirror).with_prompt("ask")
        agent = AgentBuilder(Reader, model=bound).resource("ask", Prompt("{sender} {other}"))

        assert faults(agent) == [
            "Reader.model: its prompt 'ask' has the field {other}, which nothing fills\n"
            "    give it, or write {{other}} where the text itself is meant"
        ]

    @pytest.mark.parametrize("form", [None, Loose, {"type": "object", "properties": {}}])
    def test_nothing_is_known_where_inputs_may_have_other_fields(self, form):
        AgentPlan.from_agent(Reader(input=form, prompt="{anything}"))

    @pytest.mark.parametrize(
        "form",
        [
            Letter,
            "prompt_agents:Letter",
            {"type": "object", "properties": {"sender": {}}, "additionalProperties": False},
        ],
    )
    def test_a_form_is_a_class_a_reference_or_a_schema(self, form):
        assert len(faults(Reader(input=form, prompt="{sender} {anything}"))) == 1


def test_a_member_of_a_team_has_its_own_prompts():
    team = Team("desk", one=Writer(), two=Writer(), routes=[route("one", "two")])

    [output] = run_local(team, ["Hello"], key=str)

    shown = json.loads(output)
    assert [role for role, _ in shown] == ["system", "user", "user"]
    assert json.loads(shown[-1][1])[-1] == ["user", "Hello"]
