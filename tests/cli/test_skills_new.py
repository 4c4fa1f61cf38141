"""`agents skills new`."""

from __future__ import annotations

import json


def test_a_new_skill_is_made_and_passes_the_check(place):
    made = place.run("skills", "new", "pdf-forms", "--script", "--into", "skills")
    assert made.exit_code == 0, made.output
    assert (place.folder / "skills/pdf-forms/scripts/count.py").is_file()
    assert "agents skills check skills/pdf-forms" in made.output
    checked = place.run("skills", "check", "skills/pdf-forms", "--strict", "--json")
    assert checked.exit_code == 0
    assert json.loads(checked.stdout)["skills"][0]["faults"] == []


def test_the_description_is_that_of_the_option(place):
    text = "Fills forms: all of them. Use when the user has one."
    place.run("skills", "new", "pdf-forms", "--description", text)
    found = json.loads(place.run("skills", "list", "--folder", "pdf-forms", "--json").stdout)
    told = {one["name"]: one["description"] for one in found["skills"]}
    assert told["pdf-forms"] == text


def test_a_project_has_its_skills_in_its_folder(place):
    place.write("pyproject.toml", '[tool.agents]\nagent = "a:B"\n')
    (place.folder / "skills").mkdir()
    assert place.run("skills", "new", "pdf-forms").exit_code == 0
    assert (place.folder / "skills/pdf-forms/SKILL.md").is_file()


def test_a_bad_name_is_refused_with_the_nearest(place):
    before = sorted(place.folder.iterdir())
    refused = place.run("skills", "new", "PDF_Forms")
    assert refused.exit_code == 2
    assert "agents skills new pdf-forms" in refused.stderr
    assert sorted(place.folder.iterdir()) == before


def test_a_folder_that_is_there_stays(place):
    place.write("pdf-forms/SKILL.md", "mine")
    refused = place.run("skills", "new", "pdf-forms")
    assert refused.exit_code == 1
    assert "there already" in refused.stderr
    assert (place.folder / "pdf-forms/SKILL.md").read_text() == "mine"


def test_a_dry_run_writes_nothing(place):
    before = sorted(place.folder.rglob("*"))
    told = place.run("skills", "new", "pdf-forms", "--script", "--dry-run")
    assert told.exit_code == 0
    assert [line for line in told.stdout.splitlines() if line.startswith("would write ")] == [
        "would write pdf-forms/SKILL.md",
        "would write pdf-forms/references/details.md",
        "would write pdf-forms/scripts/count.py",
    ]
    assert sorted(place.folder.rglob("*")) == before


def test_a_description_that_is_none_is_refused(place):
    for text in (" ", "x" * 1025, "hidden \u202e text"):
        assert place.run("skills", "new", "a", "--description", text).exit_code == 2
    assert not (place.folder / "a").exists()
