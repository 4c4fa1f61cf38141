"""`agents plan`: as a tree, as JSON, as a chart."""

from __future__ import annotations

import pytest

from headrace import AgentPlan


def test_the_tree_has_all_that_one_asks_for(place):
    result = place.run("plan", place.agent("Model"))
    assert result.exit_code == 0, result.output
    plan = AgentPlan.model_validate_json(place.run("plan", place.agent("Model"), "--json").stdout)
    for word in [
        "Model",
        "go (sync)",
        "on input when event.input.k > 1",
        "timeout: 3 s",
        'model = "none"',
        "headrace-core",
        plan.digest,
    ]:
        assert word in result.stdout


def test_json_is_the_plan_and_the_same_each_time(place):
    first = place.process("plan", place.agent("Echo"), "--json")
    second = place.process("plan", place.agent("Echo"), "--json")
    assert first.stdout == second.stdout
    plan = AgentPlan.model_validate_json(first.stdout)
    assert plan.model_dump_json(indent=2) + "\n" == first.stdout


def test_a_chart_quotes_what_people_write(place):
    result = place.run("plan", place.agent("Model"), "--mermaid")
    assert result.stdout.startswith("flowchart LR\n")
    assert '-->|"event.input.k #62; 1"| a0' in result.stdout


def test_it_is_written_to_a_file_whole(place):
    result = place.run("plan", place.agent("Echo"), "--json", "-o", "plan.json")
    assert (result.exit_code, result.stdout) == (0, "")
    AgentPlan.model_validate_json((place.folder / "plan.json").read_text())
    assert sorted(path.name for path in place.folder.glob("*plan*")) == ["plan.json"]
    assert place.run("plan", place.agent("Echo"), "-o", "none/plan").exit_code == 2


def test_two_forms_are_one_too_many(place):
    assert place.run("plan", place.agent("Echo"), "--json", "--mermaid").exit_code == 2


TEAM = '''
from headrace import Agent, Context, InputEvent, OutputEvent, action, tool, use
from headrace.approvals import Approval
from headrace.teams import Team, route


class Writer(Agent):
    llm = use("chat_models", "scripted", policy={"rules": [{"say": "x"}]}).with_policy(
        requests_per_minute=60
    )

    @tool(approval=Approval(when="args.n > 3", timeout=60))
    def pay(self, n: int) -> str:
        """Pays."""
        return "paid"

    @action(InputEvent)
    async def write(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output={"good": True}))


class Editor(Writer):
    pass


reviews = Team(
    "reviews",
    writer=Writer(),
    editor=Editor(),
    routes=[route("writer", "editor"), route("editor", "writer", when="!output.good")],
)
'''


@pytest.fixture
def team(place):
    (place.folder / "team.py").write_text(TEAM)
    return place


def test_of_a_team_the_ways_between_its_members_are_shown(team):
    told = team.process("plan", "team.py:reviews").stdout

    assert "writer: Writer (gets the inputs)\n│  │  └─ to editor" in told
    assert "└─ to writer when !output.good" in told


def test_the_chart_of_a_team_is_one_of_its_members(team):
    told = team.process("plan", "team.py:reviews", "--mermaid").stdout

    assert 'm0["writer"]' in told
    assert "in --> m0" in told
    assert "m0 --> m1" in told


def test_how_a_model_is_asked_and_which_calls_wait_is_shown(team):
    told = team.process("plan", "team.py:reviews").stdout

    assert "requests_per_minute = 60" in told
    assert "waits for approval: calls when args.n > 3, within 60 s (else deny)" in told


NESTED = '''
from headrace import Agent, Context, InputEvent, OutputEvent, action, sub_agent


class Reader(Agent):
    """Reads."""

    @action(InputEvent)
    async def read(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=event.input))


class Researcher(Reader):
    """Finds things out."""

    reader = sub_agent(Reader())


class Desk(Reader):
    researcher = sub_agent(Researcher(), timeout=60, budget={"calls": 8})
'''


@pytest.fixture
def nested(place):
    (place.folder / "nested.py").write_text(NESTED)
    return place


def test_sub_agents_are_shown_with_their_limits(nested):
    told = nested.process("plan", "nested.py:Desk").stdout

    assert "researcher: Researcher\n│  │  ├─ models are told: Finds things out." in told
    assert "timeout = 60" in told
    assert "researcher.reader: Reader" in told


def test_the_chart_shows_who_asks_whom(nested):
    told = nested.process("plan", "nested.py:Desk", "--mermaid").stdout

    assert 'agent_0[["researcher"]]' in told
    assert "agent -. asks .-> agent_0" in told
    assert "agent_0 -. asks .-> agent_0_0" in told
    assert "researcher.reader.read" not in told
