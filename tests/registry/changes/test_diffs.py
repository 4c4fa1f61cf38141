"""What an update changes in the text of skills."""

from __future__ import annotations

import pytest

from headrace_registry.changes import skill_diffs
from headrace_skills.packing import pack


@pytest.fixture
def wheel(tmp_path):
    """Packs skills: a folder's files by the skill's name."""

    def make(label, **skills):
        folders = []
        for name, files in skills.items():
            folder = tmp_path / label / name
            folder.mkdir(parents=True)
            head = f"---\nname: {name}\ndescription: Does {name}.\n---\n"
            (folder / "SKILL.md").write_text(head + files.pop("SKILL.md", "Body.\n"))
            for path, content in files.items():
                (folder / path).write_bytes(content)
            folders.append(folder)
        packed = pack(folders, name="skills", version="1.0")
        return packed.wheel.write(tmp_path / label)

    return make


def test_a_changed_instruction_is_shown_line_by_line(wheel):
    old = wheel("old", triage={"SKILL.md": "Read the log.\nStop.\n"})
    new = wheel("new", triage={"SKILL.md": "Send the log.\nStop.\n"})
    ((name, text),) = skill_diffs(old, new)
    assert name == "triage"
    lines = text.splitlines()
    assert lines[:2] == ["--- a/SKILL.md", "+++ b/SKILL.md"]
    assert "-Read the log." in lines
    assert "+Send the log." in lines


def test_nothing_is_shown_of_what_stays(wheel):
    old = wheel("old", triage={}, other={})
    new = wheel("new", triage={}, other={"a.txt": b"new\n"})
    assert [name for name, _ in skill_diffs(old, new)] == ["other"]


def test_a_file_that_is_no_text_is_only_named(wheel):
    old = wheel("old", triage={"data.bin": b"\0\1"})
    new = wheel("new", triage={"data.bin": b"\0\2"})
    assert skill_diffs(old, new) == [("triage", "data.bin: changed")]


def test_a_skill_that_comes_or_goes_is_shown_whole(wheel):
    old = wheel("old", first={"SKILL.md": "One.\n"})
    new = wheel("new", second={"SKILL.md": "Two.\n"})
    texts = dict(skill_diffs(old, new))
    assert "+++ /dev/null" in texts["first"]
    assert "-One." in texts["first"]
    assert "+Two." in texts["second"]


def test_a_package_without_skills_counts_as_none(wheel):
    new = wheel("new", triage={"SKILL.md": "New.\n"})
    assert "+New." in dict(skill_diffs(None, new))["triage"]
