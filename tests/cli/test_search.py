"""`agents skills search` and `agents plugins search`: what is found, and from where."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from headrace_cli._app import agents

POINTS = (
    "[headrace.chat_models]\nchatty = chatty:Model\n[headrace.tools]\nchat-tool = chatty:Tool\n"
)


class Project:
    def __init__(self, folder, cache, **registries):
        self.folder = folder
        folder.mkdir()
        lines = "[project]\nname = 'demo'\nversion = '1'\n[tool.agents]\n"
        for name, shop in registries.items():
            lines += f"[tool.agents.registries.{name}]\nurl = '{shop.url}'\nkey = '{shop.key}'\n"
        (folder / "pyproject.toml").write_text(lines)
        self.environment = {"HEADRACE_CACHE_DIR": str(cache)}

    def run(self, *arguments):
        return CliRunner(env=self.environment).invoke(agents, [str(one) for one in arguments])

    def found(self, *arguments):
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def built(shop):
    shop.skill("log-triage")
    shop.skill("status-report", "2.1.0")
    shop.package("chatty", points=POINTS)
    return shop.build()


@pytest.fixture
def project(tmp_path, built, monkeypatch):
    made = Project(tmp_path / "project", tmp_path / "cache", main=built)
    monkeypatch.chdir(made.folder)
    return made


def test_skills_are_found(project):
    result = project.run("skills", "search", "triage", "logs")
    assert result.exit_code == 0, result.output
    header, line = result.stdout.splitlines()
    assert header.split() == ["NAME", "VERSION", "REGISTRY", "KIND", "DESCRIPTION"]
    assert re.split(r"  +", line) == [
        "log-triage",
        "1.0.0",
        "main",
        "skills",
        "Does log-triage for the shop.",
    ]


def test_what_is_found_as_data(project):
    (one,) = project.found("skills", "search", "report")["results"]
    assert one.pop("score") > 0
    assert one == {
        "name": "status-report",
        "version": "2.1.0",
        "registry": "main",
        "kind": "skills",
        "package": "skill-status-report",
        "description": "Does status-report for the shop.",
    }


def test_plugins_are_found_by_kind(project):
    def names(*more):
        return {one["name"] for one in project.found("plugins", "search", "chat", *more)["results"]}

    assert names() == {"chatty", "chat-tool"}
    assert names("--kind", "tools") == {"chat-tool"}
    assert project.found("skills", "search", "chatty")["results"] == []


def test_nothing_found_names_what_may_be_meant(project):
    result = project.run("skills", "search", "lgo-triaeg")
    assert result.exit_code == 0
    assert "did you mean log-triage?" in result.stdout
    assert project.found("skills", "search", "lgo-triaeg")["nearest"] == ["log-triage"]


def test_what_a_registry_says_does_no_harm_to_a_terminal(project, built):
    hostile = "Zaps \x1b[2J\x1b]0;title\x07\u202eback\u200b\u0085 it"
    built.skill("log-zap", metadata={"note": "x"})
    _describe(built, "log-zap", hostile)
    built.build()
    shown = project.run("skills", "search", "zaps").stdout
    assert "log-zap" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]", shown)
    as_data = project.run("skills", "search", "zaps", "--json").stdout
    assert as_data.isascii()


def _describe(shop, name, description):
    """Packs a skill anew with another description."""
    from headrace_skills.packing import pack

    (folder,) = shop.folder.glob(f"sources/{name}-*/{name}")
    path = folder / "SKILL.md"
    line = f"description: {json.dumps(description)}"
    path.write_text(re.sub(r"description: .*", lambda _: line, path.read_text()))
    pack([folder]).wheel.write(shop.wheels)


# ------------------------------------------------------------------ the cache


def test_a_young_cache_is_not_asked_again_unless_wanted(project, built):
    assert len(project.found("skills", "search", "report")["results"]) == 1
    built.skill("weekly-report")
    built.build()
    assert len(project.found("skills", "search", "report")["results"]) == 1
    assert len(project.found("skills", "search", "report", "--refresh")["results"]) == 2


def test_an_old_cache_is_refreshed_first(project, built, tmp_path):
    project.found("skills", "search", "report")
    built.skill("weekly-report")
    built.build()
    (path,) = tmp_path.glob("cache/registries/*/state.json")
    state = json.loads(path.read_text())
    path.write_text(json.dumps({**state, "checked": state["checked"] - 3600}))
    assert len(project.found("skills", "search", "report")["results"]) == 2


def test_a_registry_that_is_away_is_searched_as_it_was(project, built, tmp_path):
    project.found("skills", "search", "report")
    built.site.rename(tmp_path / "away")
    result = project.run("skills", "search", "report", "--refresh")
    assert result.exit_code == 0, result.output
    assert "status-report" in result.stdout
    assert "searched as it was" in result.stderr


def test_a_registry_that_was_never_seen_and_is_away_is_an_error(project, built, tmp_path):
    built.site.rename(tmp_path / "away")
    result = project.run("skills", "search", "report")
    assert result.exit_code == 1
    assert "no such folder" in result.stderr


def test_one_registry_that_is_away_does_not_hide_the_others(tmp_path, shop, built, monkeypatch):
    other = type(shop)(tmp_path / "other")
    other.skill("weekly-report")
    other.build()
    made = Project(tmp_path / "two", tmp_path / "cache", main=built, other=other)
    monkeypatch.chdir(made.folder)
    built.site.rename(tmp_path / "away")
    data = made.found("skills", "search", "report")
    assert [one["registry"] for one in data["results"]] == ["other"]
    assert "'main'" in data["notes"][0]


def test_a_registry_whose_signature_is_wrong_is_an_error(project, built):
    (built.site / "catalogue.json").write_text("{}")
    result = project.run("skills", "search", "report")
    assert result.exit_code == 1
    assert "not what its keeper published" in result.stderr


def test_one_registry_can_be_asked_for(project):
    assert project.run("skills", "search", "report", "--registry", "main").exit_code == 0
    result = project.run("skills", "search", "report", "--registry", "mian")
    assert result.exit_code == 1
    assert "it has main" in result.stderr


def test_without_a_registry_it_is_said_how_to_add_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(agents, ["skills", "search", "report"])
    assert result.exit_code == 1
    assert "agents registry add" in result.stderr


def test_a_search_in_a_young_cache_imports_nothing_of_the_network(project):
    project.found("skills", "search", "report")
    code = (
        "import sys; sys.argv = ['agents', 'skills', 'search', 'report']\n"
        "from headrace_cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('@' + ' '.join(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **project.environment},
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "status-report" in done.stdout
    loaded = {name.partition(".")[0] for name in done.stdout.rpartition("@")[2].split()}
    assert not loaded & {"pydantic", "requests", "urllib3", "tuf", "securesystemslib", "filelock"}
