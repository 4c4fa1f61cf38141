"""What a project says of skills reaches the plan, and what an agent does with them is logged."""

from __future__ import annotations

import json

import pytest

AGENT = """
from headrace import Agent, Context, InputEvent, OutputEvent, action, use


class Loader(Agent):
    sandbox: str | None = None

    def resources(self):
        more = {} if self.sandbox is None else {"sandbox": self.sandbox}
        return {"skills": use("tools", "skills", folders=["skills"], **more)}

    @action(InputEvent)
    async def load(self, event: InputEvent, ctx: Context) -> None:
        text = await ctx.tool("load_skill", name=event.input)
        ctx.send(OutputEvent(output=text.splitlines()[0]))


class Granting(Loader):
    def resources(self):
        grants = {"greeting": {"network": ["b.example.com"]}, "other": {"commands": ["git"]}}
        return {"skills": use("tools", "skills", folders=["skills"], grants=grants)}
"""
SKILL = "---\nname: greeting\ndescription: Greets.\n---\n# Greet kindly\n"


@pytest.fixture
def project(place):
    """A project with a skill, and agents that load skills."""
    place.module += "_loaders"
    place.write(f"{place.module}.py", "from __future__ import annotations\n" + AGENT)
    place.write("skills/greeting/SKILL.md", SKILL)
    place.lines("in.jsonl", ["greeting"])

    def settings(text="", agent="Loader"):
        place.write(
            "pyproject.toml", f'[tool.agents]\nagent = "{place.module}:{agent}"\n\n{text}\n'
        )
        return place

    return settings


def arguments(place):
    result = place.run("plan", place.folder, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["resource_providers"]["tools"]["skills"]["arguments"]


class TestTheProjectsWord:
    def test_it_fills_in_what_the_agent_leaves_out(self, project):
        place = project('[tool.agents.skills]\nsandbox = "none"\ntokens = 500')

        assert arguments(place) == {"folders": ["skills"], "sandbox": "none", "tokens": 500}

    def test_what_the_agent_says_stays(self, project):
        place = project("[tool.agents.skills]\ntokens = 500")
        result = place.run("plan", place.folder, "--json", "--param", "sandbox=none")
        tools = json.loads(result.stdout)["resource_providers"]["tools"]["skills"]

        assert tools["arguments"] == {"folders": ["skills"], "sandbox": "none", "tokens": 500}

    def test_grants_are_in_the_plan(self, project):
        place = project('[tool.agents.grants.greeting]\nnetwork = ["api.example.com"]')

        assert arguments(place)["grants"] == {"greeting": {"network": ["api.example.com"]}}

    def test_the_agents_grants_stand_beside_them(self, project):
        text = '[tool.agents.grants.greeting]\nnetwork = ["a.example.com"]\n'
        place = project(text + '[tool.agents.grants.third]\nenvironment = ["X"]', "Granting")

        assert arguments(place)["grants"] == {
            "greeting": {"network": ["b.example.com"]},
            "other": {"commands": ["git"]},
            "third": {"environment": ["X"]},
        }

    def test_pins_choose(self, project):
        place = project('[tool.agents.plugins]\n"skills.greeting" = "some-package"')

        assert arguments(place)["choose"] == {"greeting": "some-package"}

    def test_a_project_that_says_nothing_changes_nothing(self, project):
        assert arguments(project()) == {"folders": ["skills"]}

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("[tool.agents.skills]\nsandboxes = 'none'", "did you mean 'sandbox'?"),
            ("[tool.agents.skills]\ntokens = '500'", "tool.agents.skills.tokens must be a number"),
            ("[tool.agents.skills]\nsandbox = false", "tool.agents.skills.sandbox must be a text"),
            ("[tool.agents.grants.a]\nnetworks = []", "did you mean 'network'?"),
            ("[tool.agents.grants.a]\nnetwork = 'x'", "must be a list of texts"),
            ("[tool.agents]\ngrants = 3", "must be"),
        ],
    )
    def test_what_it_must_not_say_is_told_with_its_place(self, project, text, told):
        place = project(text) if not text.startswith("[tool.agents]") else project("grants = 3")
        result = place.run("plan", place.folder)

        assert result.exit_code == 1
        assert told in result.stderr
        assert "pyproject.toml" in result.stderr


class TestTheEventLog:
    def run(self, place, *more):
        return place.run("run", place.folder, "--input", "in.jsonl", "--output", "o", *more)

    def test_each_record_is_a_line_of_json(self, project):
        place = project()
        assert self.run(place, "--events", "events.jsonl").exit_code == 0
        records = place.read("events.jsonl")

        assert [(one["kind"], one["what"]) for one in records] == [
            ("log", "opened"),
            ("skill", "loaded"),
            ("tool", "finished"),
            ("action", "finished"),
            ("run", "finished"),
        ]

    def test_loading_a_skill_says_which_and_from_where(self, project):
        place = project()
        self.run(place, "--events", "events.jsonl")
        [loaded] = [one for one in place.read("events.jsonl") if one["kind"] == "skill"]

        assert loaded["name"] == "greeting"
        assert loaded["data"]["file"] == "SKILL.md"
        assert loaded["data"]["source"] == "the folder skills"

    def test_it_is_written_anew_by_the_next_job(self, project):
        place = project()
        for _ in range(2):
            self.run(place, "--events", "events.jsonl")

        assert len(place.read("events.jsonl")) == 5

    def test_it_goes_on_where_a_state_file_does(self, project):
        place = project()
        for _ in range(2):
            self.run(place, "--events", "events.jsonl", "--state", "state.db")
            place.lines("in.jsonl", ["greeting", "greeting"])

        assert [one["what"] for one in place.read("events.jsonl")].count("loaded") == 2

    def test_it_is_not_for_stdout(self, project):
        assert self.run(project(), "--events", "-").exit_code == 2

    def test_it_must_not_be_another_file_of_the_job(self, project):
        assert self.run(project(), "--events", "o").exit_code == 2

    def test_on_flink_it_is_a_folder(self, project):
        place = project()
        place.write("events.jsonl", "")
        result = self.run(place, "--events", "events.jsonl", "--engine", "flink")

        assert result.exit_code == 2
        assert "--events events.jsonl is a file, and must be a folder" in result.stderr
        assert "each subtask writes an event log of its own" in result.stderr
