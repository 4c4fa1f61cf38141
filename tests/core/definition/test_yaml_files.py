"""Several agents in YAML, what they share, and files that are loaded together."""

from __future__ import annotations

import jsonschema
import pytest
import yaml
from yaml_agents import Answering, Sized, clerk, desk, reviews

from headrace import AgentPlan, PlanError, run_local
from headrace.agent_yaml import load_agent, load_agents, parse_agent, schema

AGENTS = """\
resources:
  llm:
    kind: chat_models
    use: "connection_agents:Line"
    connection: gate
    with: {model: large}
prompts:
  rules: Be short.
tools:
  - function: yaml_agents:look
actions:
  - function: yaml_agents:answer
    on: input
agents:
  answering:
    description: Answers.
    resources: [llm]
    prompts: [rules]
    actions: [answer]
  clerk:
    class: ReActAgent
    description: Looks things up.
    parameters: {instructions: Look things up.}
    resources: {model: llm}
    tools: [look]
teams:
  reviews:
    description: Answers, twice.
    members: {first: answering, second: answering}
    routes:
      - {from: first, to: second, when: rounds < 1}
"""
CONNECTIONS = """\
connections:
  gate:
    use: "connection_agents:Line"
    with: {address: the mill}
    policy: {concurrency: 2}
"""


@pytest.fixture
def files(tmp_path):
    """Writes files; gives their paths."""

    def write(*texts):
        paths = []
        for number, text in enumerate(texts):
            paths.append(tmp_path / f"{'abc'[number]}.yaml")
            paths[-1].write_text(text)
        return paths

    return write


def place_in(text, token):
    """The line and column of a token."""
    at = text.index(token)
    return f"{text[:at].count(chr(10)) + 1}:{at - text.rfind(chr(10), 0, at)}"


def plan(paths, name, **parameters):
    return AgentPlan.from_agent(load_agent(*paths, name=name, parameters=parameters))


def faults(paths, name=None, **parameters):
    with pytest.raises(PlanError) as caught:
        plan(paths, name, **parameters)
    return [str(fault) for fault in caught.value.faults]


class TestOnePlan:
    @pytest.mark.parametrize(
        ("name", "written"), [("answering", Answering), ("clerk", clerk), ("reviews", reviews)]
    )
    def test_one_of_a_file_is_the_same_bytes_as_in_python(self, files, name, written):
        made = plan(files(AGENTS, CONNECTIONS), name)

        assert made.model_dump_json() == AgentPlan.from_agent(written()).model_dump_json()

    def test_the_order_of_files_changes_nothing(self, files):
        paths = files(AGENTS, CONNECTIONS)

        assert plan(paths, "clerk") == plan(paths[::-1], "clerk")

    def test_another_file_of_connections_changes_what_models_are_built_with(self, files):
        other = CONNECTIONS.replace("the mill", "the weir")
        found = plan(files(AGENTS, other), "clerk").resource_providers["chat_models"]["model"]

        assert found.arguments["address"] == "the weir"

    def test_an_agent_has_what_it_names_and_nothing_else(self, files):
        made = plan(files(AGENTS, CONNECTIONS), "answering")

        assert {kind: list(one) for kind, one in made.resource_providers.items()} == {
            "chat_models": ["llm"],
            "prompts": ["rules"],
        }

    def test_a_file_of_one_agent_goes_over_a_connection_of_another_file(self, files):
        alone = """\
name: alone
resources:
  llm: {kind: chat_models, use: "connection_agents:Line", connection: gate, with: {model: m}}
actions: [{function: "yaml_agents:answer", on: input}]
"""
        made = plan(files(alone, CONNECTIONS), None)

        assert made.resource_providers["chat_models"]["llm"].arguments["address"] == "the mill"

    def test_a_toolset_that_files_share_is_named_among_tools(self, files):
        text = """\
resources:
  shop: {kind: tools, use: mcp, with: {url: "http://shop/mcp"}}
agents:
  a: {class: ChatAgent, tools: [shop]}
"""
        assert list(plan(files(text), "a").resource_providers["tools"]) == ["shop"]

    @pytest.mark.parametrize("name", ["ChatAgent", "ReActAgent", "PlanExecuteAgent"])
    def test_a_ready_agent_needs_no_module(self, files, name):
        text = AGENTS.replace("class: ReActAgent", f"class: {name}")
        whole = AGENTS.replace("class: ReActAgent", f'class: "headrace.agents:{name}"')

        assert plan(files(text, CONNECTIONS), "clerk") == plan(files(whole, CONNECTIONS), "clerk")

    def test_what_a_shared_model_names_comes_along(self, files):
        text = """\
resources:
  large:
    kind: chat_models
    use: "connection_agents:Line"
    with: {model: large}
    prompt: rules
    policy: {fallback: small}
  small: {kind: chat_models, use: "connection_agents:Line", with: {model: small}}
  other: {kind: chat_models, use: "connection_agents:Line", with: {model: other}}
prompts: {rules: Be short., more: Be kind.}
agents:
  a: {class: ChatAgent, resources: {model: large}}
"""
        found = plan(files(text), "a").resource_providers

        assert list(found["chat_models"]) == ["model", "small"]
        assert list(found["prompts"]) == ["rules"]

    def test_all_agents_and_teams_are_had_at_once(self, files):
        made = load_agents(*files(AGENTS, CONNECTIONS))

        assert list(made) == ["answering", "clerk", "reviews"]

    def test_an_agent_of_a_file_runs(self, files):
        agent = load_agent(*files(AGENTS, CONNECTIONS), name="answering")

        assert list(run_local(agent, ["go"])) == ["large at the mill"]


class TestSubAgents:
    MORE = """\
agents:
  desk:
    class: ReActAgent
    description: Asks the clerk.
    resources: {model: llm}
    sub_agents:
      helper: {agent: clerk, timeout: 9, config: {max_tool_rounds: 3}}
"""

    def test_one_is_the_same_bytes_as_in_python(self, files):
        made = plan(files(AGENTS, CONNECTIONS, self.MORE), "desk")

        assert made.model_dump_json() == AgentPlan.from_agent(desk()).model_dump_json()

    def test_a_list_takes_agents_by_their_own_names(self, files):
        more = "agents: {b: {class: ReActAgent, resources: {model: llm}, sub_agents: [clerk]}}"
        made = plan(files(AGENTS, CONNECTIONS, more), "b")

        assert made.members["clerk"].agent == "clerk"

    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("agent: clerk", "agent: clrk", "did you mean clerk?"),
            ("agent: clerk", "agent: desk", "'desk' is a sub-agent of itself"),
            ("timeout: 9", "timout: 9", "did you mean timeout?"),
            ("timeout: 9", "timeout: -1", "c.yaml:7:15: desk.helper: the timeout must be above 0"),
        ],
    )
    def test_what_is_wrong_with_one_is_told_with_its_place(self, files, old, new, told):
        [fault] = faults(files(AGENTS, CONNECTIONS, self.MORE.replace(old, new)), "desk")

        assert "c.yaml:" in fault.partition(": ")[0]
        assert told in fault


class TestSchema:
    def test_it_takes_the_files(self):
        for text in (AGENTS, CONNECTIONS):
            jsonschema.validate(yaml.safe_load(text.replace("    on:", '    "on":')), schema())

    @pytest.mark.parametrize(
        "text",
        [
            "agents: {a: {acions: []}}",
            "connections: {c: {url: x}}",
            "teams: {t: {members: [a], routes: [{source: a}]}}",
            "resources: [1]",
        ],
    )
    def test_it_refuses_what_reading_refuses(self, text):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(yaml.safe_load(text), schema())
        with pytest.raises(PlanError):
            parse_agent(text)


class TestFaults:
    @pytest.mark.parametrize(
        ("old", "new", "at", "told"),
        [
            ("resources: [llm]", "resources: [lmm]", "lmm", "mean llm?"),
            ("prompts: [rules]", "prompts: [rule]", "rule]", "mean rules?"),
            ("actions: [answer]", "actions: [anser]", "anser]", "mean answer?"),
            ("tools: [look]", "tools: [lok]", "lok]", "mean look?"),
            ("{model: llm}", "{model: lm}", "lm}", "mean llm?"),
            ("connection: gate", "connection: gat", "gat\n", "mean gate?"),
            ("first: answering", "first: answring", "answring", "mean answering?"),
            ("to: second", "to: secnd", "secnd", "mean second?"),
            ("class: ReActAgent", "class: ReactAgent", "ReactAgent", "mean ReActAgent?"),
            ("    prompts:", "    promts:", "promts", "mean prompts?"),
            ("when: rounds", "when: round", "round <", "it uses round"),
            ("{instructions: Look", "{instuctions: Look", "Look things up.}", "instructions?"),
        ],
    )
    def test_a_name_of_nothing_is_told_with_its_place_and_the_nearest(
        self, files, old, new, at, told
    ):
        assert AGENTS.count(old) == 1
        text = AGENTS.replace(old, new)
        paths = files(text, CONNECTIONS)
        [fault] = faults(paths, "reviews" if at == "round <" else "clerk")

        assert fault.startswith(f"{paths[0]}:{place_in(text, at)}: ")
        assert told in fault

    def test_what_is_wrong_in_several_files_is_told_at_once(self, files):
        paths = files(AGENTS.replace("[look]", "[lok, 7]"), CONNECTIONS.replace("with:", "wiht:"))
        told = faults(paths, "clerk")

        assert [fault.startswith(str(path)) for fault, path in zip(told, paths, strict=True)] == [
            True,
            True,
        ]

    def test_all_names_of_nothing_are_told_at_once_for_all_agents(self, files):
        text = AGENTS.replace("[llm]", "[lmm]").replace("[look]", "[lok]")

        assert len(faults(files(text, CONNECTIONS), "clerk")) == 2

    @pytest.mark.parametrize(
        ("more", "told"),
        [
            (CONNECTIONS, "the connection 'gate' is there already, at"),
            ("agents: {clerk: {class: ChatAgent}}", "the agent 'clerk' is there already, at"),
            ("teams: {clerk: {members: [clerk]}}", "'clerk' is an agent, too, at"),
            ("prompts: {rules: x}", "the prompt 'rules' is there already, at"),
            ("tools: [{function: 'x:look'}]", "the tool 'look' is there already, at"),
            ("name: clerk", "the agent 'clerk' is there already, at"),
        ],
    )
    def test_a_name_that_is_in_two_files_is_told_with_both_places(self, files, more, told):
        [fault] = faults(files(AGENTS, CONNECTIONS, more), "clerk")

        assert told in fault
        assert "c.yaml:" in fault.partition(": ")[0]

    def test_a_file_is_one_agent_or_several(self, files):
        [fault] = faults(files("name: a\nagents: {b: {class: ChatAgent}}\n"))

        assert "1:7: a file has one agent, or agents: and teams:" in fault

    def test_which_of_several_is_asked_for(self, files):
        [fault] = faults(files(AGENTS, CONNECTIONS))

        assert "there are several agents: answering, clerk, reviews" in fault

    def test_one_that_is_not_there_is_told_with_the_nearest(self, files):
        [fault] = faults(files(AGENTS, CONNECTIONS), "clark")

        assert "there is no agent 'clark'" in fault
        assert "did you mean clerk?" in fault

    @pytest.mark.parametrize(
        ("old", "new", "place"),
        [
            ('use: "connection_agents:Line"', "use: opena", "a.yaml:3:5: answering.llm"),
            ("{concurrency: 2}", "{concurrency: 2, fallback: x}", "b.yaml:3:5: answering.gate"),
            ("on: input", "on: input\n    when: event.inptu > 1", "a.yaml:12:5: answer ("),
        ],
    )
    def test_what_compiling_finds_has_a_place_in_the_file(self, files, old, new, place):
        paths = files(AGENTS.replace(old, new, 1), CONNECTIONS.replace(old, new))
        [fault, *_] = faults(paths, "answering")

        assert f"{place}" in fault

    def test_what_compiling_finds_in_a_team_has_a_place_in_the_file(self, files):
        text = AGENTS.replace("{from: first, to: second, when: rounds < 1}", "{from: first}")
        [fault] = faults(files(text, CONNECTIONS), "reviews")

        place = place_in(text, "answering}")
        assert f"a.yaml:{place}: reviews.second: no route leads to this member" in fault


class TestParameters:
    SIZED = 'agents: {sized: {class: "yaml_agents:Sized", parameters: {zone: us}}}'
    LOOSE = """\
name: loose
parameters: {code: "1", size: 2}
actions: [{function: "yaml_agents:greet", on: input}]
"""

    def test_a_typed_parameter_comes_before_the_files(self, files):
        made = plan(files(self.SIZED), "sized", zone="eu", limit="7")

        assert made.parameters == {"zone": "eu", "limit": 7}
        assert made.agent_class == AgentPlan.from_agent(Sized()).agent_class

    def test_what_reads_as_json_may_be_meant_as_a_text(self, files):
        assert plan(files(self.SIZED), "sized", zone="007").parameters["zone"] == "007"

    def test_of_an_agent_without_a_class_it_has_the_type_of_the_files(self, files):
        assert plan(files(self.LOOSE), None, code="5", size="6").parameters == {
            "code": "5",
            "size": 6,
        }

    @pytest.mark.parametrize("text", [SIZED, LOOSE])
    def test_one_that_there_is_not_is_told(self, files, text):
        [fault] = faults(files(text), None, zonne="eu")

        assert fault.startswith("--param zonne: there is no such parameter")

    def test_a_value_of_the_wrong_type_is_told(self, files):
        [fault] = faults(files(self.SIZED), None, limit="many")

        assert fault.startswith("--param limit: Input should be a valid integer")

    def test_a_team_takes_none(self, files):
        [fault] = faults(files(AGENTS, CONNECTIONS), "reviews", zone="eu")

        assert "reviews is a team" in fault
