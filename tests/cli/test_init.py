"""`agents init`: a project that runs at once, and an existing one that keeps what it has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ENVIRONMENT

MINE = """\
# My project.
[build-system]
requires = ["setuptools"]   # old, and good

[project]
name = "mine"
version = "1"
dependencies = [
    "httpx>=0.27",  # for the weather
]

[tool.ruff]
line-length = 100
"""


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.fixture
def empty(place):
    """A folder with nothing in it, to be typed in."""
    folder = place.folder / "harbour-desk"
    folder.mkdir()
    return folder


class TestANewProject:
    def test_it_runs_at_once(self, place):
        assert place.run("init", "harbour-desk").exit_code == 0
        result = place.run("run", "harbour-desk", "--quiet")
        assert result.exit_code == 0, result.output
        assert sorted(place.read("harbour-desk/out/outputs.jsonl")) == [
            "Good day, ada: message 1.",
            "Good day, ada: message 2.",
            "Good day, bob: message 1.",
        ]

    @pytest.mark.slow
    def test_its_test_passes(self, place):
        place.run("init", "harbour-desk")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        run = subprocess.run(
            command,
            cwd=place.folder / "harbour-desk",
            capture_output=True,
            text=True,
            check=False,
            env=ENVIRONMENT,
        )
        assert run.returncode == 0, run.stdout
        assert "1 passed" in run.stdout

    def test_what_it_says_of_targets_can_be_taken_in(self, place, empty):
        from headrace_cli._project import read_project

        place.run("init", empty)
        path = empty / "pyproject.toml"
        assert read_project(empty).settings().targets == ()
        path.write_text(re.sub(r"(?m)^# (targets|\]|    \{)", r"\1", path.read_text()))
        (target,) = read_project(empty).settings().targets
        assert (target.python, target.platform) == ("3.11", "linux/amd64")

    def test_it_says_what_it_wrote_and_what_to_type_next(self, place):
        told = place.run("init", "harbour-desk").stdout.splitlines()
        assert "wrote harbour-desk/harbour_desk_agent.py" in told
        assert told[-1] == "next: agents run harbour-desk"

    def test_the_folder_one_stands_in_is_taken_where_none_is_named(self, place, empty, monkeypatch):
        monkeypatch.chdir(empty)
        assert place.run("init").exit_code == 0
        assert (empty / "harbour_desk_agent.py").is_file()

    def test_it_can_have_another_name_than_its_folder(self, place, empty):
        place.run("init", empty, "--name", "Tide.Watch")
        assert 'name = "Tide.Watch"' in (empty / "pyproject.toml").read_text()
        assert (empty / "tide_watch_agent.py").is_file()

    @pytest.mark.parametrize("name", ["1st", "-x", "a b", "a/b", "é", "a\nb", 'a"b'])
    def test_a_name_that_no_project_can_have_is_refused(self, place, empty, name):
        assert place.run("init", empty, "--name", name).exit_code == 2
        assert content(empty) == {}

    def test_a_dry_run_writes_nothing(self, place, empty):
        told = place.run("init", empty, "--dry-run").stdout
        assert f"would write {empty}/pyproject.toml" in told
        assert content(empty) == {}


class TestAnExistingProject:
    @pytest.fixture
    def mine(self, empty):
        (empty / "pyproject.toml").write_text(MINE)
        return empty

    def test_it_gets_the_agent_and_runs(self, place, mine):
        assert place.run("init", mine).exit_code == 0
        assert place.run("run", mine, "--quiet").exit_code == 0

    def test_comments_order_and_formatting_stay(self, place, mine):
        place.run("init", mine)
        after = (mine / "pyproject.toml").read_text().splitlines()
        kept = [line for line in after if line in MINE.splitlines()]
        assert [line for line in kept if line] == [line for line in MINE.splitlines() if line]

    def test_headrace_is_among_its_dependencies_once(self, place, mine):
        place.run("init", mine)
        assert (mine / "pyproject.toml").read_text().count('"headrace>=') == 1

    def test_a_dependency_on_headrace_is_left_as_it_is(self, place, mine):
        (mine / "pyproject.toml").write_text(MINE.replace("httpx>=0.27", "headrace-core==0.1.0"))
        place.run("init", mine)
        assert '"headrace>=' not in (mine / "pyproject.toml").read_text()

    @pytest.mark.parametrize(
        "before",
        [
            MINE.replace("\n", "\r\n"),
            MINE.removesuffix("\n"),
            MINE + "\n[tool.hatch.envs.default]\ndependencies = ['x']\n",
            MINE + "\n[tool.poetry]\npackages = []\n",
            MINE + "\n[tool.uv.workspace]\nmembers = ['parts/*']\n",
            "project = { name = 'mine', version = '1', dependencies = [] }\n",
            "[tool.ruff]\nline-length = 100\n",
        ],
        ids=["crlf", "no end", "hatch", "poetry 2", "workspace", "inline", "settings only"],
    )
    def test_every_byte_of_it_stays_whatever_tool_it_is_for(self, place, empty, before):
        path = empty / "pyproject.toml"
        path.write_bytes(before.encode())
        assert place.run("init", empty).exit_code == 0
        rest = iter(path.read_bytes())
        assert all(one in rest for one in before.encode())
        assert place.run("run", empty, "--quiet").exit_code == 0

    def test_its_readme_stays(self, place, mine):
        (mine / "README.md").write_text("Mine.")
        assert place.run("init", mine).exit_code == 0
        assert (mine / "README.md").read_text() == "Mine."

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("[tool.agents]\nagent = 'a:B'\n", "already"),
            ("[tool.poetry]\nname = 'x'\n", "poetry add"),
            ("[project]\nname = 'x'\ndynamic = ['dependencies']\n", "dynamic"),
            (
                "[project]\nname = 'x'\ndynamic = ['dependencies']\n"
                "[tool.setuptools.dynamic]\ndependencies = {file = 'requirements.txt'}\n",
                "add to requirements.txt:\n         headrace",
            ),
            ("[project]\nname = 'x'\n[tool.poetry.dependencies]\ny = '^1'\n", "poetry add"),
            ("[tool.uv.workspace]\nmembers = ['a']\n[tool.poetry]\nx = 1\n", "poetry add"),
            ("tool = { x = 1 }\n", "[tool.agents] cannot be added"),
            ("[project]\nname = 'x'\ndependencies = 'httpx'\n", "no list"),
            ("this is = = no toml", "not TOML"),
            ("tool = 3\n", "tool is no table"),
        ],
    )
    def test_one_that_cannot_be_changed_rightly_is_left_as_it_is(self, place, empty, text, why):
        (empty / "pyproject.toml").write_text(text)
        result = place.run("init", empty)
        assert (result.exit_code, content(empty)) == (1, {"pyproject.toml": text})
        assert why in result.stderr
        assert str(empty / "pyproject.toml") in result.stderr

    def test_no_file_is_overwritten(self, place, mine):
        (mine / "inputs.jsonl").write_text("mine")
        before = content(mine)
        result = place.run("init", mine)
        assert (result.exit_code, content(mine)) == (1, before)
        assert "inputs.jsonl is there already" in result.stderr

    def test_a_failure_in_the_middle_takes_back_what_was_written(self, place, mine, monkeypatch):
        from headrace_cli import _files

        real = _files.write_text

        def failing(target, text):
            if target.endswith("pyproject.toml"):
                raise OSError(28, "No space left on device", target)
            real(target, text)

        monkeypatch.setattr(_files, "write_text", failing)
        before = content(mine)
        assert place.run("init", mine).exit_code == 1
        assert content(mine) == before
        assert sorted(path.name for path in mine.iterdir()) == ["pyproject.toml"]


class TestAnAgentInYaml:
    def test_it_runs_and_its_parameters_are_typed(self, place):
        assert place.run("init", "harbour-desk", "--yaml").exit_code == 0

        result = place.run("run", "harbour-desk", "--param", "greeting=Ahoy", "--quiet")

        assert result.exit_code == 0, result.output
        outputs = place.read("harbour-desk/out/outputs.jsonl")
        assert all(output.startswith("Ahoy, ") for output in outputs)

    def test_editors_find_the_schema_beside_it(self, place):
        from headrace.agent_yaml import schema

        place.run("init", "harbour-desk", "--yaml")
        home = place.folder / "harbour-desk"
        first = (home / "agents.yaml").read_text().splitlines()[0]

        assert first == "# yaml-language-server: $schema=agents.schema.json"
        assert json.loads((home / "agents.schema.json").read_text()) == schema()
