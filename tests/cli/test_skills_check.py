"""`agents skills check`: places, forms of output, exit codes."""

from __future__ import annotations

import json
import zipfile

import pytest

GOOD = "name: {0}\ndescription: Does {0} in full. Use when the user asks for {0}."


def write(place, path, front):
    return place.write(f"{path}/SKILL.md", f"---\n{front}\n---\nDo it.\n")


@pytest.fixture
def good(place):
    write(place, "skills/good", GOOD.format("good"))
    return "skills/good"


@pytest.fixture
def bad(place):
    write(place, "skills/bad", GOOD.format("bad") + "\nversion: 1.0.0")
    return "skills/bad"


@pytest.fixture
def warned(place):
    write(place, "skills/warned", GOOD.format("warned") + "\nallowed-tools: a, b")
    return "skills/warned"


def test_a_good_skill(place, good):
    result = place.run("skills", "check", good)
    assert (result.exit_code, result.stdout) == (0, "1 skill checked: no fault\n")


def test_a_fault_is_told_with_place_rule_and_mend(place, bad):
    result = place.run("skills", "check", bad)
    assert result.exit_code == 1
    first, second, *_ = result.stdout.splitlines()
    assert first.startswith("skills/bad/SKILL.md:4:1  error  field-unknown  ")
    assert "version" in first
    assert second.startswith("    mend: ")
    assert result.stdout.endswith("1 skill checked: 1 error\n")


def test_a_warning_fails_only_the_strict_check(place, warned):
    assert place.run("skills", "check", warned).exit_code == 0
    assert place.run("skills", "check", "--strict", warned).exit_code == 1


def test_a_folder_of_skills(place, good, bad, warned):
    data = json.loads(place.run("skills", "check", "skills", "--json").stdout)
    assert {one["name"]: (one["valid"], one["loads"]) for one in data["skills"]} == {
        "bad": (False, True),
        "good": (True, True),
        "warned": (True, True),
    }
    assert (data["errors"], data["warnings"], data["notes"]) == (1, 1, 0)


def test_what_json_tells_of_a_fault(place, bad):
    result = place.run("skills", "check", bad, "--json")
    assert result.exit_code == 1
    (skill,) = json.loads(result.stdout)["skills"]
    (fault,) = skill["faults"]
    assert {key: fault[key] for key in ("file", "line", "column", "rule", "level", "loads")} == {
        "file": "SKILL.md",
        "line": 4,
        "column": 1,
        "rule": "field-unknown",
        "level": "error",
        "loads": True,
    }


def test_a_zip(place, good):
    with zipfile.ZipFile(place.folder / "a.zip", "w") as archive:
        archive.write(place.folder / good / "SKILL.md", "good/SKILL.md")
    data = json.loads(place.run("skills", "check", "a.zip", "--json").stdout)
    assert [(one["place"], one["faults"]) for one in data["skills"]] == [("a.zip/good", [])]


def test_the_skill_of_an_installed_package(place, monkeypatch):
    path = "acme/.agents/skills/forms"
    write(place, f"site/{path}", GOOD.format("forms"))
    place.write(
        "site/acme-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme\nVersion: 1\n"
    )
    place.write("site/acme-1.0.dist-info/RECORD", f"{path}/SKILL.md,,\n")
    monkeypatch.syspath_prepend(place.folder / "site")
    data = json.loads(place.run("skills", "check", "forms", "--json").stdout)
    assert [(one["name"], one["faults"]) for one in data["skills"]] == [("forms", [])]


def test_a_skill_of_the_project_by_its_name(place, bad):
    place.write("pyproject.toml", '[tool.agents]\nagent = "a:B"\n')
    assert place.run("skills", "check", "bad").exit_code == 1


def test_sarif_to_a_file_and_to_stdout(place, bad):
    assert place.run("skills", "check", bad, "--sarif", "out.sarif").exit_code == 1
    log = json.loads((place.folder / "out.sarif").read_text())
    printed = place.run("skills", "check", bad, "--sarif", "-")
    assert json.loads(printed.stdout) == log
    (result,) = log["runs"][0]["results"]
    assert result["ruleId"] == "field-unknown"


def test_a_rule_is_explained(place):
    result = place.run("skills", "check", "--explain", "name-folder")
    assert result.exit_code == 0
    assert result.stdout.startswith("name-folder (error, the standard's)\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "nothing to check"),
        (["no/such/folder"], "no file or folder 'no/such/folder'"),
        (["no-such-skill"], "no skill 'no-such-skill'"),
        (["--explain", "name-foldr"], "nearest: name-folder"),
        ([".", "--json", "--sarif", "-"], "both print to stdout"),
        ([".", "--sarif", "no/such/out.sarif"], "no folder no/such"),
    ],
)
def test_wrong_use(place, arguments, told):
    result = place.run("skills", "check", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_text_of_a_skill_cannot_drive_the_terminal(place):
    write(place, "skills/evil", GOOD.format("evil") + '\n"\\e]0;x\\a\\u202e": x')
    place.write("skills/evil/\x1b[31m.md", "")
    text = place.run("skills", "check", "skills/evil").stdout
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "field-unknown" in text
