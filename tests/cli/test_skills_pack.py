"""`agents skills pack` and `agents skills unpack`: what they print, write, and refuse."""

from __future__ import annotations

import hashlib
import json

import pytest

SKILL = """\
---
name: greet
description: Greets people. Use it when somebody asks.
license: MIT
metadata:
  version: "1.0"
---
Say good day.
"""


@pytest.fixture
def greet(place):
    place.write("skills/greet/SKILL.md", SKILL)
    place.write("skills/greet/scripts/greet.py", "print('Good day')\n")
    return "skills/greet"


def files(folder):
    return sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*") if one.is_file())


def test_a_wheel_is_written_to_dist_and_named(place, greet):
    result = place.run("skills", "pack", greet)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("dist/skill_greet-1.0-py3-none-any.whl  (")
    assert files(place.folder / "dist") == ["skill_greet-1.0-py3-none-any.whl"]


def test_the_json_tells_all_of_it(place, greet):
    place.write("skills/greet/.env", "TOKEN=1")
    result = place.run(
        *("skills", "pack", greet, "--sdist", "-o", "out", "--prefix", "acme", "--version", "2"),
        "--json",
    )
    data = json.loads(result.stdout)
    assert (data["distribution"], data["version"], data["package"]) == (
        "acme-greet",
        "2",
        "acme_greet",
    )
    (skill,) = data["skills"]
    assert skill["files"] == ["SKILL.md", "scripts/greet.py"]
    assert skill["left_out"] == [{"path": ".env", "why": "it may hold secrets"}]
    assert [one["path"] for one in data["archives"]] == [
        "out/acme_greet-2-py3-none-any.whl",
        "out/acme_greet-2.tar.gz",
    ]
    for one in data["archives"]:
        content = (place.folder / one["path"]).read_bytes()
        assert (one["size"], one["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_what_is_left_out_and_odd_is_told_beside_the_result(place, greet):
    place.write("skills/greet/SKILL.md~", "")
    place.write("skills/greet/SKILL.md", SKILL.replace("license: MIT\n", ""))
    result = place.run("skills", "pack", greet)
    assert "greet: left out: SKILL.md~ (left by an editor)" in result.stderr
    assert "greet: warning: it says no licence" in result.stderr
    assert len(result.stdout.splitlines()) == 1


def test_several_folders_are_one_wheel(place, greet):
    place.write("skills/part/SKILL.md", SKILL.replace("greet", "part"))
    arguments = ("skills", "pack", greet, "skills/part")
    assert place.run(*arguments).exit_code == 1
    result = place.run(*arguments, "--name", "manners", "--version", "1", "--json")
    assert [one["name"] for one in json.loads(result.stdout)["skills"]] == ["greet", "part"]


@pytest.mark.parametrize("command", ["pack", "unpack"])
def test_a_dry_run_writes_nothing(place, greet, command):
    place.run("skills", "pack", greet)
    before = files(place.folder)
    what = greet if command == "pack" else "dist/skill_greet-1.0-py3-none-any.whl"
    more = ("-o", "out") if command == "pack" else ("--into", "out")
    result = place.run("skills", command, what, *more, "--dry-run")
    assert result.exit_code == 0
    assert "not written" in result.stdout
    assert files(place.folder) == before


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (lambda text: "no frontmatter", (), "frontmatter"),
        (lambda text: text.replace('version: "1.0"', "x: y"), (), "--version 1.0.0"),
        (lambda text: text, ("--version", "latest"), "PEP 440"),
        (lambda text: text, ("--name", "json"), "--package"),
    ],
)
def test_what_cannot_be_packed_is_told_and_nothing_is_written(place, greet, change, options, said):
    place.write("skills/greet/SKILL.md", change(SKILL))
    result = place.run("skills", "pack", greet, *options)
    assert result.exit_code == 1
    assert said in result.stderr
    assert not (place.folder / "dist").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("pack",),
        ("pack", "absent"),
        ("pack", "skills/greet/SKILL.md"),
        ("unpack",),
        ("unpack", "x"),
    ],
)
def test_bad_usage_is_exit_code_2(place, greet, arguments):
    assert place.run("skills", *arguments).exit_code == 2


def test_unpack_gives_the_folder_back(place, greet):
    place.run("skills", "pack", greet)
    wheel = "dist/skill_greet-1.0-py3-none-any.whl"
    result = place.run("skills", "unpack", wheel, "--into", "out", "--json")
    assert result.exit_code == 0, result.output
    (one,) = json.loads(result.stdout)["skills"]
    assert one["folder"] == "out/greet"
    assert sorted(one["files"]) == files(place.folder / "skills/greet")
    for path in one["files"]:
        there, back = place.folder / "skills/greet" / path, place.folder / "out/greet" / path
        assert there.read_bytes() == back.read_bytes()
    again = place.run("skills", "unpack", wheel, "--into", "out")
    assert again.exit_code == 1
    assert "out/greet is there already" in again.stderr


def test_a_damaged_archive_is_told(place):
    place.write("x.zip", "no zip")
    result = place.run("skills", "unpack", "x.zip")
    assert result.exit_code == 1
    assert "x.zip: it is not a zip" in result.stderr


def test_a_zip_is_listed_like_a_folder(place, greet, monkeypatch):
    import shutil

    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(place.folder / "cache"))
    shutil.make_archive(str(place.folder / "all"), "zip", place.folder / "skills")
    data = json.loads(place.run("skills", "list", "--folder", "all.zip", "--json").stdout)
    assert "greet" in {one["name"] for one in data["skills"]}
