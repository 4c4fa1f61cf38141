"""`agents skills export`: what it prints, and its exit codes."""

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture
def site(place, monkeypatch):
    """Install and remove distributions with a skill each; nothing else is exported by default."""
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(place.folder / "cache"))
    monkeypatch.setenv("HEADRACE_PLUGINS_ALLOW", "acme-*")
    monkeypatch.syspath_prepend(str(place.folder / "site"))

    class Site:
        def install(self, name, version="1.0", body="Do it.", skill=None):
            self.remove(name)
            skill = skill or name
            record = f"acme_{name}/.agents/skills/{skill}/SKILL.md"
            place.write(f"site/{record}", f"---\nname: {skill}\ndescription: d\n---\n{body}\n")
            info = f"site/acme_{name}-{version}.dist-info"
            place.write(f"{info}/METADATA", f"Name: acme-{name}\nVersion: {version}\n")
            place.write(f"{info}/RECORD", f"{record},,\n")

        def remove(self, name):
            for path in (place.folder / "site").glob(f"acme_{name}*"):
                shutil.rmtree(path)

    return Site()


def test_installed_skills_are_lent_by_links(place, site):
    site.install("triage")
    result = place.run("skills", "export")
    assert result.exit_code == 0, result.output
    assert "triage: new (acme-triage 1.0)" in result.stdout
    lent = place.folder / ".agents/skills/triage"
    assert lent.is_symlink()
    assert (lent / "SKILL.md").is_file()


def test_check_tells_by_its_exit_code_and_changes_nothing(place, site):
    site.install("triage")
    first = place.run("skills", "export", "--check")
    assert (first.exit_code, "triage: missing" in first.stdout) == (1, True)
    assert not (place.folder / ".agents").exists()
    place.run("skills", "export", "--copy")
    assert place.run("skills", "export", "--check").exit_code == 0
    site.install("triage", "2.0", body="New.")
    assert place.run("skills", "export", "--check").exit_code == 1
    assert place.run("skills", "export").exit_code == 0
    assert place.run("skills", "export", "--check").exit_code == 0


def test_a_dry_run_is_no_failure_and_changes_nothing(place, site):
    site.install("triage")
    assert place.run("skills", "export", "--dry-run").exit_code == 0
    assert not (place.folder / ".agents").exists()


def test_a_removed_package_takes_its_skill_along(place, site):
    site.install("triage")
    place.run("skills", "export", "--to", "lent")
    site.remove("triage")
    result = place.run("skills", "export", "--to", "lent")
    assert "triage: removed (acme-triage 1.0): it is not installed" in result.stdout
    assert list((place.folder / "lent").iterdir()) == []


def test_what_was_changed_is_refused_until_forced(place, site):
    site.install("triage")
    place.run("skills", "export", "--copy")
    mine = place.write(".agents/skills/triage/SKILL.md", "mine")
    refused = place.run("skills", "export")
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert mine.read_text() == "mine"
    assert place.run("skills", "export", "--force").exit_code == 0
    assert mine.read_text() != "mine"


def test_the_json_tells_each_step(place, site):
    site.install("triage")
    site.install("greet")
    result = place.run("skills", "export", "triage", "absent", "--json")
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    steps = {one["name"]: (one["action"], one["from"]) for one in data["skills"]}
    assert steps == {"triage": ("create", "acme-triage 1.0"), "absent": ("refused", "")}
    assert data["in_step"] is False
    assert data["target"] == str((place.folder / ".agents/skills").resolve())


def test_a_pin_of_the_project_settles_a_conflict(place, site):
    site.install("triage")
    site.install("other", skill="triage")
    refused = place.run("skills", "export")
    assert (refused.exit_code, "acme-other 1.0" in refused.stderr) == (1, True)
    place.write("pyproject.toml", '[tool.agents.plugins]\n"skills.triage" = "acme-other"\n')
    result = place.run("skills", "export")
    assert "triage: new (acme-other 1.0)" in result.stdout


def test_the_projects_lists_hold(place, site):
    site.install("triage")
    site.install("greet")
    place.write("pyproject.toml", '[tool.agents.plugins]\nblock = ["acme-greet"]\n')
    place.run("skills", "export")
    assert {one.name for one in (place.folder / ".agents/skills").iterdir()} == {
        ".headrace-export.json",
        "triage",
    }


def test_a_target_that_is_a_file_is_bad_usage(place, site):
    place.write("file", "")
    assert place.run("skills", "export", "--to", "file").exit_code == 2
