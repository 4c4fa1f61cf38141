"""A new skill: right from the start, for both validators."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_skills import Skill, SkillPathError, read_skill
from headrace_skills.checking import (
    SkillNameError,
    check_skill,
    files_of_new,
    name_faults,
    nearest_name,
    write_new,
)

DESCRIPTIONS = [
    None,
    "Fills PDF forms: text, boxes. Use when the user has a form.",
    'Says "hello" & \\ more. Use when greeting: `hi`, [x], {y}, #z, *a.',
    "Goes fast --- and safe. Use when speed matters to the user most.",
    "Füllt Formulare aus. Für alle, die welche haben, auch in Eile.",
    "Two\nlines. Use when one line is not enough for what is to be said.",
]


@pytest.mark.parametrize("script", [False, True])
@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_it_has_no_fault_at_all(tmp_path, description, script):
    folder = write_new(tmp_path, "pdf-forms", files_of_new("pdf-forms", description, script=script))
    assert check_skill(folder).faults == ()
    skill = read_skill(folder)
    assert isinstance(skill, Skill)
    assert description is None or skill.description == " ".join(description.split())


@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_the_reference_takes_it(tmp_path, description):
    skills_ref = pytest.importorskip("skills_ref")
    folder = write_new(tmp_path, "pdf-forms", files_of_new("pdf-forms", description, script=True))
    assert skills_ref.validate(folder) == []
    assert skills_ref.read_properties(folder).description == read_skill(folder).description


def test_its_script_works(tmp_path):
    folder = write_new(tmp_path, "a", files_of_new("a", script=True))
    script = folder / "scripts" / "count.py"

    def run(*arguments, text=""):
        return subprocess.run(
            [*arguments], input=text, capture_output=True, text=True, check=True, cwd=tmp_path
        ).stdout

    assert json.loads(run(sys.executable, script, text="one two\nthree\n")) == {
        "lines": 2,
        "words": 3,
        "characters": 14,
    }
    assert "usage: count.py" in run(sys.executable, script, "--help")
    assert script.stat().st_mode & 0o111


def test_what_is_there_stays(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(SkillPathError, match="there already"):
        write_new(tmp_path, "a", files_of_new("a"))
    (tmp_path / "b").symlink_to("nothing")
    with pytest.raises(SkillPathError, match="there already"):
        write_new(tmp_path, "b", files_of_new("b"))
    assert list((tmp_path / "a").iterdir()) == []


def test_a_failure_leaves_nothing(tmp_path):
    files = {**files_of_new("a"), "x/y/z.md": "its folder is not made"}
    with pytest.raises(OSError, match="No such file"):
        write_new(tmp_path, "a", files)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("pdf-forms", "pdf-forms"),
        ("PDF Forms", "pdf-forms"),
        ("pdf_forms.v2", "pdf-forms-v2"),
        ("PdfForms", "pdf-forms"),
        ("--a--b--", "a-b"),
        ("Café Ünï", "cafe-uni"),
        ("ﬁx", "fix"),
        ("../../etc", "etc"),
        ("中文", "my-skill"),
        ("", "my-skill"),
        ("x" * 70, "x" * 64),
        ("x" * 63 + " y", "x" * 63),
    ],
)
def test_the_nearest_name(text, name):
    assert nearest_name(text) == name


@given(st.text(max_size=100))
def test_the_nearest_name_is_always_one_and_of_itself(text):
    name = nearest_name(text)
    assert list(name_faults(name)) == []
    assert nearest_name(name) == name


@pytest.mark.parametrize("name", ["", " ", "A", "a b", "../a", "a/b", "-a", "дом", "a" * 65, "a\0"])
def test_a_name_that_is_none_is_refused_with_the_nearest(name):
    with pytest.raises(SkillNameError) as raised:
        files_of_new(name)
    assert list(name_faults(raised.value.nearest)) == []
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)
