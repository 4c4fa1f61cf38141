"""`agents skills prepare`: what scripts declare, installed before a worker needs it."""

from __future__ import annotations

import json

import pytest

from headrace_skills._script_packages import RUNNING, folder_name

from ..skills.conftest import add_file, write_skill  # noqa: TID252 - helpers of skills' tests
from ..skills.test_script_packages import script, write_wheel  # noqa: TID252


@pytest.fixture(autouse=True)
def index(place, monkeypatch):
    """The only place that packages come from: no network is used."""
    folder = place.folder / "wheels"
    write_wheel(folder, "greeting", "1.0", "hello")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_CACHE_DIR", str(place.folder / "uv-cache"))
    monkeypatch.setenv("UV_NO_CONFIG", "1")


@pytest.fixture
def skill(place):
    folder = write_skill(place.folder / "more" / "greet")
    add_file(folder, "scripts/one.py", script("greeting"))
    add_file(folder, "scripts/two", "#!/usr/bin/env python3\n" + script("Greeting"))
    add_file(folder, "scripts/plain.py", "print(1)")
    add_file(folder, "scripts/other.sh", script("greeting"))
    return folder


def prepared(place, *arguments) -> list[dict]:
    result = place.run("skills", "prepare", "--into", "packages", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["packages"]


def test_scripts_that_ask_for_the_same_share_a_folder(place, skill):
    assert prepared(place, "more") == [
        {
            "folder": f"packages/{folder_name(['greeting'])}",
            "state": "made",
            "python": RUNNING,
            "requirements": ["greeting"],
            "scripts": ["greet/scripts/one.py", "greet/scripts/two"],
        }
    ]
    made = place.folder / "packages" / folder_name(["greeting"])
    assert (made / "greeting.py").is_file()
    assert [one["state"] for one in prepared(place, "more/greet")] == ["was there"]


def test_a_dry_run_makes_nothing(place, skill):
    assert [one["state"] for one in prepared(place, "--dry-run", "more")] == ["would be made"]
    assert not (place.folder / "packages").exists()


def test_only_what_is_named_is_prepared(place, skill):
    other = write_skill(place.folder / "more" / "other")
    add_file(other, "scripts/x.py", script("no-such-package"))
    assert [one["scripts"][0] for one in prepared(place, str(skill))] == ["greet/scripts/one.py"]


def test_what_cannot_be_installed_fails_and_leaves_nothing(place, skill):
    add_file(skill, "scripts/one.py", script("no-such-package"))
    (skill / "scripts" / "two").unlink()
    result = place.run("skills", "prepare", "--into", "packages", "more")
    assert result.exit_code == 1
    assert "no-such-package" in result.output
    assert list((place.folder / "packages").iterdir()) == []


def test_a_skill_that_there_is_not_is_told(place):
    result = place.run("skills", "prepare", "--into", "packages", "no-such-skill")
    assert result.exit_code == 1
    assert "no-such-skill" in result.output


@pytest.mark.parametrize("version", ["4", "3.x", "3.11.1", "--help"])
def test_a_python_that_is_none_is_bad_usage(place, version):
    result = place.run("skills", "prepare", "--into", "packages", f"--python={version}")
    assert result.exit_code == 2


def test_nothing_to_do_is_said(place, skill):
    for name in ("one.py", "two"):
        (skill / "scripts" / name).unlink()
    result = place.run("skills", "prepare", "--into", "packages", "more")
    assert result.stdout == "no script asks for packages\n"
