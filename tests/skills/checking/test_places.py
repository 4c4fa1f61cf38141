"""The skills of a folder and of an archive, each checked by itself."""

from __future__ import annotations

import zipfile

import pytest

from headrace_skills.checking import check_place

FRONT = "name: {0}\ndescription: Does {0} in full. Use when the user asks for {0}."


def good(folder):
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(text_of(folder.name))
    return folder


def text_of(name: str) -> str:
    return f"---\n{FRONT.format(name)}\n---\nDo it.\n"


def found(place) -> dict[str, list[str]]:
    return {one.place: [fault.rule for fault in one.faults] for one in check_place(place)}


def test_a_skills_folder_and_its_file(tmp_path):
    root = good(tmp_path / "one")
    assert found(root) == {str(root): []}
    assert found(root / "SKILL.md") == {str(root): []}


def test_one_broken_skill_harms_no_other(tmp_path):
    for number in range(300):
        good(tmp_path / f"skill-{number}")
    broken = {
        "bomb": b"---\n" + b"a: &a [*a, *a]\n" * 50 + b"---\n",
        "binary": bytes(range(256)) * 64,
        "deep": b"---\na: " + b"[" * 50_000 + b"\n---\n",
        "empty": b"",
        "long": b"---\n" + b"x" * 2_000_000,
    }
    for name, content in broken.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "SKILL.md").write_bytes(content)
    (tmp_path / "folder" / "SKILL.md").mkdir(parents=True)
    (tmp_path / "no-skill").mkdir()
    (tmp_path / "file.txt").write_text("")
    reports = list(check_place(tmp_path))
    assert {one.name for one in reports if not one.valid} == {*broken, "folder"}
    assert sum(one.faults == () for one in reports) == 300
    assert len(reports) == 306


def test_a_project_folder_with_skills_where_agents_look(tmp_path):
    root = good(tmp_path / ".agents" / "skills" / "one")
    assert found(tmp_path) == {str(root): []}


def test_a_folder_without_any_skill(tmp_path):
    assert found(tmp_path) == {str(tmp_path): ["skill-file-missing"]}


def test_a_link_in_a_folder_of_skills_is_not_followed_out_of_it(tmp_path):
    good(tmp_path / "elsewhere" / "one")
    skills = tmp_path / "skills"
    good(skills / "two")
    (skills / "one").symlink_to(tmp_path / "elsewhere" / "one")
    assert found(skills) == {
        str(skills / "one"): ["symlink-outside"],
        str(skills / "two"): [],
    }


def packed(archive, entries):
    with zipfile.ZipFile(archive, "w") as opened:
        for name, text in entries.items():
            opened.writestr(name, text)
    return archive


def test_an_archive_of_skills(tmp_path):
    archive = packed(
        tmp_path / "some.zip", {"one/SKILL.md": text_of("one"), "two/SKILL.md": text_of("other")}
    )
    assert found(archive) == {f"{archive}/one": [], f"{archive}/two": ["name-folder"]}


def test_an_archive_that_is_a_skill(tmp_path):
    archive = packed(tmp_path / "one.skill", {"SKILL.md": text_of("one"), "a/b.md": "b"})
    assert found(archive) == {str(archive): []}


@pytest.mark.parametrize(
    "entries",
    [
        {"one/SKILL.md": text_of("one"), "../out.md": "x"},
        {"one/SKILL.md": text_of("one"), "/etc/out.md": "x"},
        {"readme.md": "no skill"},
    ],
)
def test_an_archive_that_is_refused(tmp_path, entries):
    archive = packed(tmp_path / "bad.zip", entries)
    assert found(archive) == {str(archive): ["archive"]}
    assert [one.name for one in tmp_path.iterdir()] == ["bad.zip"]


def test_something_that_is_no_archive(tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"PK nothing")
    (report,) = check_place(tmp_path / "bad.zip")
    assert [(one.rule, one.file, one.loads) for one in report.faults] == [("archive", "", False)]
