"""Agents in YAML as targets: one of several, files of connections, parameters, projects."""

from __future__ import annotations

import json

import pytest

AGENTS = """\
actions:
  - function: MODULE:start
    on: input
agents:
  echo: {class: "MODULE:Echo", parameters: {prefix: "> "}}
  other: {actions: [start]}
  gated:
    actions: [start]
    resources:
      llm: {kind: chat_models, use: openai, connection: gate, with: {model: m}}
teams:
  both: {members: [echo, other], routes: [{from: echo, to: other}]}
"""
GATE = "connections: {gate: {use: openai, with: {api_key_env: KEY_OF_PLACE}}}\n"


@pytest.fixture
def files(place):
    """Agents, and connections for two environments."""
    place.write("agents.yaml", AGENTS.replace("MODULE", place.module))
    for name in ("dev", "prod"):
        place.write(f"{name}.yaml", GATE.replace("PLACE", name.upper()))
    return place


def key_of(place, *arguments):
    result = place.run("plan", "--json", *arguments)
    assert result.exit_code == 0, result.output
    models = json.loads(result.stdout)["resource_providers"]["chat_models"]
    return models["llm"]["arguments"]["api_key_env"]


def test_one_of_several_agents_runs(files):
    result = files.run("run", "agents.yaml:echo", "-f", "dev.yaml", input='"x"\n')

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["text"] == "> x"


def test_a_team_runs(files):
    result = files.run("run", "agents.yaml:both", "-f", "dev.yaml", input='"x"\n')

    assert result.exit_code == 0, result.output
    assert result.stdout == '"built"\n'


def test_the_file_of_connections_is_swapped(files):
    assert key_of(files, "agents.yaml:gated", "-f", "dev.yaml") == "KEY_OF_DEV"
    assert key_of(files, "agents.yaml:gated", "-f", "prod.yaml") == "KEY_OF_PROD"


@pytest.mark.parametrize("order", [("dev.yaml", "more.yaml"), ("more.yaml", "dev.yaml")])
def test_several_files_are_read_together_in_any_order(files, order):
    files.write(
        "more.yaml", "agents: {third: {class: 'MODULE:Echo'}}".replace("MODULE", files.module)
    )
    asked = [part for name in order for part in ("-f", name)]

    assert key_of(files, "agents.yaml:gated", *asked) == "KEY_OF_DEV"
    result = files.run("run", "agents.yaml:third", *asked, input='"x"\n')
    assert json.loads(result.stdout)["text"].endswith("x")


def test_what_is_wrong_in_several_files_is_told_at_once_and_without_a_traceback(files):
    files.write("one.yaml", "connections: {gate: {use: openai, wiht: {}}}\n")
    files.write("two.yaml", "connections: {x: {use: openai}}\nagents: {y: !!int z}\n")

    result = files.run("plan", "agents.yaml:gated", "-f", "one.yaml", "-f", "two.yaml")

    assert result.exit_code == 1
    assert "1. one.yaml:1:35: connections.gate.wiht: there is no such field" in result.stderr
    assert "2. two.yaml:2:13: 'z' is read as int" in result.stderr
    assert "not expected" not in result.stderr


def test_a_parameter_is_typed(files):
    result = files.run(
        "run", "agents.yaml:echo", "-f", "dev.yaml", "--param", "prefix=007", input='"x"\n'
    )

    assert json.loads(result.stdout)["text"] == "007x"


def test_a_project_says_its_agent_and_its_files_and_f_takes_their_place(files):
    files.write(
        "pyproject.toml", '[tool.agents]\nagent = "agents.yaml:gated"\nfiles = ["dev.yaml"]\n'
    )

    assert key_of(files, ".") == "KEY_OF_DEV"
    assert key_of(files, "agents.yaml:gated") == "KEY_OF_DEV"
    assert key_of(files, ".", "-f", "prod.yaml") == "KEY_OF_PROD"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["agents.yaml:gatd", "-f", "dev.yaml"], 1, "did you mean gated?"),
        (["agents.yaml", "-f", "dev.yaml"], 1, "say which: agents.yaml:echo"),
        (["agents.yaml:gated"], 1, "goes over a connection 'gate', which no file has"),
        (["agents.yaml:gated", "-f", "none.yaml"], 2, "there is no file none.yaml"),
        (["agents.yaml:gated", "-f", "dev.yaml", "-f", "prod.yaml"], 1, "already, at dev.yaml:1"),
        (["MODULE:Echo", "-f", "dev.yaml"], 2, "-f is for agents in YAML"),
        (["agents.yaml:other", "-f", "dev.yaml", "--param", "a=1"], 1, "no such parameter"),
    ],
)
def test_what_is_wrong_is_told(files, arguments, code, told):
    typed = [one.replace("MODULE", files.module) for one in arguments]
    result = files.run("plan", *typed)

    assert result.exit_code == code, result.output
    assert told in result.stderr
