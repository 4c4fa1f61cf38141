"""``agents config``: what each setting is, where it came from, and the page that has them all."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from headrace.settings import VARIABLES, runtime_settings
from headrace_cli import _project
from headrace_cli._project_table import as_markdown, project_settings
from headrace_cli._toml_lines import lines_of
from headrace_registry.bundle.settings import BundleSettings
from headrace_registry.settings import NAMES, RegistrySettings

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / one for one in ("core/headrace", "skills", "registry", "cli", "plugins")]
DESK = """\
from pydantic import BaseModel

from headrace import Agent, Context, InputEvent, OutputEvent, RuntimeConfig, action


class Shop(BaseModel):
    tenant: str
    limit: int = 100


class Desk(Agent):
    config = RuntimeConfig(max_steps=20)
    values = Shop

    @action(InputEvent)
    def tell(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=dict(ctx.config)))
"""
PROJECT = """\
[tool.agents]
agent = "settled_desk:Desk"

[tool.agents.settings]
max_in_flight = 9

[tool.agents.settings.budget]
calls = 3

[tool.agents.values]
tenant = "acme"
"""


@pytest.fixture
def desk(place, monkeypatch):
    monkeypatch.delitem(sys.modules, "settled_desk", raising=False)
    (place.folder / "settled_desk.py").write_text(DESK)
    (place.folder / "pyproject.toml").write_text(PROJECT)
    return place


def shown(place, *arguments):
    """What is shown of each setting, by name."""
    found = place.run("config", "show", ".", "--json", *arguments)
    assert found.exit_code == 0, found.output
    [told] = json.loads(found.stdout)
    return {one["name"]: one for one in told["settings"]}


# ---------------------------------------------------------------- show
def test_a_setting_is_shown_with_the_file_and_line_that_said_it(desk):
    told = shown(desk)

    assert (told["budget.calls"]["value"], told["budget.calls"]["layer"]) == (3, "project")
    assert told["budget.calls"]["where"].endswith("pyproject.toml:8")


def test_a_setting_of_the_code_is_shown_with_its_line(desk):
    assert shown(desk)["max_steps"]["where"].endswith("settled_desk.py:12")


def test_a_default_is_called_one(desk):
    assert shown(desk)["page_bytes"]["layer"] == "default"


def test_the_environment_is_shown_by_its_variable(desk, monkeypatch):
    monkeypatch.setenv("HEADRACE_SET_VALUES__TENANT", "globex")

    told = shown(desk)

    assert told["values.tenant"]["value"] == "globex"
    assert "HEADRACE_SET_VALUES__TENANT" in told["values.tenant"]["where"]


def test_what_is_typed_is_shown_as_it_would_count(desk):
    told = shown(desk, "--set", "values.limit=7", "--set", "headrace.max_steps=30")

    assert (told["values.limit"]["value"], told["max_steps"]["value"]) == (7, 30)
    assert told["values.limit"]["where"] == "--set values.limit"


def test_only_what_was_said_is_shown_on_demand(desk):
    assert set(shown(desk, "--changed")) == {
        "max_in_flight",
        "max_steps",
        "budget.calls",
        "values.tenant",
    }


def test_an_agent_in_yaml_is_shown_with_line_and_column(desk):
    (desk.folder / "desk.yaml").write_text("class: settled_desk:Desk\nconfig:\n  max_steps: 5\n")

    found = desk.run("config", "show", "desk.yaml", "--json")

    [told] = json.loads(found.stdout)
    [one] = [one for one in told["settings"] if one["name"] == "max_steps"]
    assert one["where"].endswith("desk.yaml:3:14")


# ---------------------------------------------------------------- what counts
def test_a_run_reads_what_is_shown(desk, monkeypatch):
    monkeypatch.setenv("HEADRACE_SET_VALUES__LIMIT", "5")

    found = desk.run("run", ".", "--quiet", input="1\n")

    assert json.loads(found.stdout) == {"tenant": "acme", "limit": 5}


def test_a_plan_has_the_projects_layer(desk):
    plan = json.loads(desk.run("plan", ".", "--json").stdout)

    assert (plan["config"]["max_in_flight"], plan["origins"]["max_in_flight"]) == (9, "project")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("max_in_flight = 9", "max_inflight = 9", ["pyproject.toml:5", "'max_in_flight'"]),
        ("calls = 3", 'calls = "many"', ["pyproject.toml:8", "budget.calls = 'many'"]),
        ("tenant =", "api_key =", ["pyproject.toml:11", "secret"]),
        ("[tool.agents.settings]", "[tool.agents.setings]", ["'settings'"]),
    ],
)
def test_what_a_project_says_wrong_is_told_with_its_line(desk, before, after, words):
    (desk.folder / "pyproject.toml").write_text(PROJECT.replace(before, after))

    found = desk.run("plan", ".")

    assert found.exit_code == 1
    assert [word for word in words if word not in found.stderr] == []


def test_a_value_that_nobody_says_ends_a_run_before_it_begins(desk):
    (desk.folder / "pyproject.toml").write_text(PROJECT.replace("tenant =", "owner ="))

    found = desk.run("run", ".", input="1\n")

    assert found.exit_code == 1
    assert "--set values.tenant=" in found.stderr


# ---------------------------------------------------------------- explain, list
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("budget.calls", ["200", "HEADRACE_SET_BUDGET__CALLS", "headrace.budget.calls"]),
        ("HEADRACE_SET_MAX_STEPS", ["max_steps", "1000"]),
        ("skills.sandbox", ["bubblewrap"]),
        ("HEADRACE_CLUSTER", ["cluster"]),
    ],
)
def test_a_name_is_explained(place, name, words):
    found = place.run("config", "explain", name)

    assert found.exit_code == 0, found.output
    assert [word for word in words if word not in found.stdout] == []


def test_what_is_fixed_for_a_state_is_not_said_to_be_a_clusters(place):
    assert "cluster:" not in place.run("config", "explain", "shards").stdout


def test_a_name_that_is_none_is_refused_with_the_nearest(place):
    found = place.run("config", "explain", "max_inflight")

    assert found.exit_code == 2
    assert "'max_in_flight'" in found.stderr


def test_everything_is_listed_as_json(place):
    data = json.loads(place.run("config", "list", "--json").stdout)

    assert [one["name"] for one in data["settings"]] == list(runtime_settings())
    assert {"project", "environment"} < set(data)


# ---------------------------------------------------------------- one table
def test_every_setting_and_name_says_what_it_means():
    rows = [*runtime_settings().values(), *project_settings(), *VARIABLES]

    assert [one.name for one in rows if not one.meaning] == []


def test_the_page_has_the_tables_of_the_code():
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")

    assert as_markdown() in page, "agents config list --markdown prints what belongs there"


def test_the_table_has_every_environment_variable_that_the_code_names():
    named: set[str] = set()
    for folder in SOURCES:
        for path in [*folder.rglob("*.py"), *folder.rglob("*.sh")]:
            if "tests" not in path.parts:
                named |= set(re.findall(r"HEADRACE_[A-Z_]*[A-Z]\b", path.read_text()))
    known = {one.name for one in VARIABLES}
    patterns = [re.escape(one).replace("<NAME>", "[A-Z_]+") for one in known]

    unknown = {one for one in named if not any(re.fullmatch(each, one) for each in patterns)}

    assert unknown == set()


def test_the_table_has_every_name_that_a_project_may_say():
    rows = {one.name for one in project_settings()}
    expected = {f"run.{one.name.replace('_', '-')}" for one in fields(_project.RunDefaults)}
    expected |= {f"bundle.{one.name.replace('_', '-')}" for one in fields(BundleSettings)}
    expected |= {f"registries.NAME.{one.name}" for one in fields(RegistrySettings)}
    expected |= {f"skills.{name}" for name in _project.SKILL_SETTINGS}
    expected |= {f"grants.SKILL.{name}" for name in _project._GRANTS}

    assert expected - rows == {"registries.NAME.name"}
    assert {one.partition(".")[0] for one in rows} == set(_project._NAMES)
    assert set(NAMES) < set(_project._NAMES)


@pytest.mark.parametrize(
    ("text", "name", "line"),
    [
        ("[a.settings]\nx = 1\ny.z = 2\n", "settings.y.z", 3),
        ("[a]\nsettings = { x = 1 }\n", "settings.x", 2),
        ('[a.settings]\n"x" = """\ny = 1\n"""\ny = 2\n', "settings.y", 5),
        ("[a.settings]\nx = 1\n", "other", None),
    ],
    ids=["dotted", "in one line", "after a long text", "not there"],
)
def test_the_line_of_a_name_is_found(text, name, line):
    assert lines_of(text, "a").line(name) == line
