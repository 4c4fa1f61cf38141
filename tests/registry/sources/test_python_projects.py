"""Python projects with plugins as sources: their code runs if one says so, and not before."""

from __future__ import annotations

import pytest

from headrace_registry.errors import SourceError
from headrace_registry.sources import collect, parse_spec

from .conftest import skill_text, write

PYPROJECT = """[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "acme-clock"
version = "2.1"

[project.entry-points."headrace.tools"]
clock = "acme_clock:Clock"
"""
BACKEND = """
import base64, hashlib, pathlib, zipfile

pathlib.Path({marker!r}).write_text("it ran")

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "acme_clock-2.1-py3-none-any.whl"
    files = {{
        "acme_clock.py": "class Clock: pass\\n",
        "acme_clock-2.1.dist-info/METADATA":
            "Metadata-Version: 2.1\\nName: acme-clock\\nVersion: 2.1\\n",
        "acme_clock-2.1.dist-info/WHEEL":
            "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "acme_clock-2.1.dist-info/entry_points.txt":
            "[headrace.tools]\\nclock = acme_clock:Clock\\n",
    }}
    record = ""
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as archive:
        for path, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
            record += f"{{path}},sha256={{digest.rstrip('=')}},{{len(text)}}\\n"
            archive.writestr(path, text)
        archive.writestr("acme_clock-2.1.dist-info/RECORD",
                         record + "acme_clock-2.1.dist-info/RECORD,,\\n")
    return name
"""


@pytest.fixture
def ran(tmp_path):
    """The file that the build writes when its code runs."""
    return tmp_path / "ran"


@pytest.fixture
def source(tmp_path, ran):
    files = {"pyproject.toml": PYPROJECT, "backend.py": BACKEND.format(marker=str(ran))}
    return write(tmp_path / "clock", files)


def made(source, project, **more):
    return collect(parse_spec(str(source)), project=project, **more)


def test_is_not_built_unless_one_says_so(source, project, ran):
    with pytest.raises(
        SourceError, match=r"with plugins \(tools\)\n.*code of it runs(?s:.*)--build"
    ):
        made(source, project)
    assert not ran.exists()


def test_is_built_in_a_copy_where_one_says_so(source, project, ran):
    before = sorted(source.rglob("*"))
    (one,) = made(source, project, build=True, offline=True)
    assert (one.name, one.version, one.spec) == ("acme-clock", "2.1", str(source))
    assert [(it.kind, it.name) for it in one.provides] == [("tools", "clock")]
    assert ran.exists()
    assert sorted(source.rglob("*")) == before


def test_that_cannot_be_built_is_told_with_what_the_build_said(source, project):
    (source / "backend.py").write_text("raise SystemExit('no compiler here')")
    with pytest.raises(SourceError, match=r"cannot be built\n(?s:.*)no compiler here"):
        made(source, project, build=True, offline=True)


def test_a_skill_of_it_is_taken_without_building(source, project, ran):
    write(source, {"clock/.agents/skills/tell-time/SKILL.md": skill_text("tell-time")})
    (one,) = made(source, project, skills=["tell-time"])
    assert one.name == "skill-tell-time"
    assert not ran.exists()


def test_that_is_a_skill_itself_is_one_unless_one_says_to_build_it(source, project, ran):
    write(source, {"SKILL.md": skill_text("clock")})
    (one,) = made(source, project)
    assert (one.name, ran.exists()) == ("skill-clock", False)
    (built,) = made(source, project, build=True, offline=True)
    assert (built.name, ran.exists()) == ("acme-clock", True)


def test_without_plugins_it_is_a_folder_of_skills_like_any_other(source, project, ran):
    text = PYPROJECT.partition("[project.entry")[0]
    write(source, {"pyproject.toml": text, "skills/a/SKILL.md": skill_text("a")})
    assert [one.name for one in made(source, project)] == ["skill-a"]
    assert not ran.exists()


@pytest.mark.parametrize("text", ["= no toml", "project = 3", "[" * 9000, "\xff"])
def test_a_project_file_that_cannot_be_read_does_no_harm(source, project, text):
    write(source, {"pyproject.toml": text.encode("latin-1"), "SKILL.md": skill_text("clock")})
    assert [one.name for one in made(source, project)] == ["skill-clock"]
