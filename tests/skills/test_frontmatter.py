"""Reading a SKILL.md: what the wild writes is taken, what would harm is refused."""

from __future__ import annotations

import os
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_skills import BrokenSkill, Skill, SkillFormatError, load_body, read_skill
from headrace_skills._frontmatter import MAX_FRONTMATTER, parse_document

from .conftest import add_file, write_skill


def read(front: str) -> dict:
    return parse_document(f"---\n{front}\n---\nbody".encode()).fields


# ------------------------------------------------------------------ lenient


@pytest.mark.parametrize(
    "content",
    [
        b"---\nname: a\ndescription: b\n---\nbody\n",
        b"\xef\xbb\xbf---\nname: a\ndescription: b\n---\nbody\n",
        b"---\r\nname: a\r\ndescription: b\r\n---\r\nbody\r\n",
        b"---\rname: a\rdescription: b\r---\rbody\r",
        b"\n\n  \n---\nname: a\ndescription: b\n---\nbody\n",
        b"---   \nname: a\ndescription: b\n---\t\nbody\n",
        b"---\nname: 'a'\ndescription: \"b\"\n---\n\n\nbody",
        b"---\n{name: a, description: b}\n---\nbody",
    ],
)
def test_ways_to_write_one_document(content):
    document = parse_document(content)
    assert document.fields == {"name": "a", "description": "b"}
    assert document.body.strip() == "body"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("description: Use when: the user asks", "Use when: the user asks"),
        ("description: It's for: it's", "It's for: it's"),
        ("description: ends with:", "ends with:"),
        ("description: Use when: one\n  and: two", "Use when: one and: two"),
        ("description: [issue] [priority]", "[issue] [priority]"),
        ("description: @mention them", "@mention them"),
        ("description: `code` first", "`code` first"),
    ],
)
def test_a_value_that_is_no_yaml_is_read_as_text_and_told(line, value):
    document = parse_document(f"---\nname: a\n{line}\nversion: 1\n---\n".encode())
    assert document.fields == {"name": "a", "description": value, "version": "1"}
    assert any("quotes" in warning for warning in document.warnings)


def test_three_hyphens_within_a_value_do_not_end_the_frontmatter():
    assert read("description: fast --- safe\nlicense: MIT")["license"] == "MIT"
    assert read("description: |\n  a\n  ---\n  b\nlicense: MIT")["license"] == "MIT"


def test_every_scalar_stays_the_text_that_was_written():
    fields = read("a: 1.10\nb: yes\nc: 2024-99-99\nd: 0x10\ne: ~\nf: 1:30\ng:\nh: [1, null]")
    assert fields == {
        "a": "1.10", "b": "yes", "c": "2024-99-99", "d": "0x10", "e": "~", "f": "1:30", "g": "",
        "h": ["1", "null"],
    }  # fmt: skip


# ------------------------------------------------------------------ refused


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no frontmatter"),
        (b"# Title\n", "no frontmatter"),
        (b"text\n---\nname: a\n---\n", "no frontmatter"),
        (b"---\nname: a\n", "not closed"),
        (b"---\nname: \xff\n---\n", "not UTF-8"),
        (b"---\n- a\n- b\n---\n", "NAME: VALUE"),
        (b"---\njust text\n---\n", "NAME: VALUE"),
        (b"---\na: &x 1\nb: *x\n---\n", "anchors"),
        (b"---\na: *x\n---\n", "anchors"),
        (b"---\na: !!python/object/apply:os.system [ls]\n---\n", "tags"),
        (b"---\na: !thing b\n---\n", "tags"),
        (b"---\nname: a\nname: b\n---\n", "line 3: 'name' is given a second time"),
        (b"---\nm:\n  k: 1\n  k: 2\n---\n", "'k' is given a second time"),
        (b"---\n? [a]\n: b\n---\n", "a name must be one text"),
        (b"---\nname: a\n--- !x\nb: c\n---\n", "second YAML document"),
        (b"---\nname: a\x00b\n---\n", "not YAML"),
        (b"---\nname: [a\ndescription: b\n  - c: {\n---\n", "not YAML"),
    ],
)
def test_what_is_refused_says_why(content, why):
    with pytest.raises(SkillFormatError, match=why):
        parse_document(content)


def test_lines_are_those_of_the_file_where_blank_ones_stand_before():
    with pytest.raises(SkillFormatError, match="line 5: 'a' is given a second time"):
        parse_document(b"\n\n---\na: 1\na: 2\n---\n")
    with pytest.raises(SkillFormatError, match=r"line 4: .* not YAML"):
        parse_document(b'\n\n---\na: "1\n---\n')


@pytest.mark.parametrize(
    "front",
    [
        "a: " + "[" * 3000 + "]" * 3000,
        "a: " + "{b: " * 500 + "c" + "}" * 500,
        "a: [" + "b, " * 9000 + "]",
        "\n".join(" " * depth + "k:" for depth in range(300)),
        "a: " + "x" * MAX_FRONTMATTER,
        "x0: &x0 [l, l]\n" + "\n".join(f"x{n}: &x{n} [*x{n - 1}, *x{n - 1}]" for n in range(1, 40)),
    ],
)
def test_bombs_are_refused_quickly(front):
    started = time.perf_counter()
    with pytest.raises(SkillFormatError):
        read(front)
    assert time.perf_counter() - started < 2


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    with suppress(SkillFormatError):
        parse_document(f"---\n{text}\n---\n".encode("utf-8", "replace"))


# ------------------------------------------------------------------ skills


def test_a_skill_has_all_that_its_frontmatter_says(tmp_path):
    folder = write_skill(
        tmp_path / "pdf-forms",
        "name: pdf-forms\ndescription: >\n  Fills forms.\n  In PDFs.\nlicense: MIT\n"
        "compatibility: Needs qpdf\nallowed-tools: Bash(git add:*) Read, Write\n"
        "metadata:\n  author: me\n  nested: {a: [1]}\nversion: 1.10\ntriggers: [a, b]",
        body="# Forms",
    )
    add_file(folder, "scripts/fill.py", "print()")
    skill = read_skill(folder)
    assert isinstance(skill, Skill)
    assert (skill.name, skill.description) == ("pdf-forms", "Fills forms. In PDFs.")
    assert (skill.license, skill.compatibility) == ("MIT", "Needs qpdf")
    assert skill.allowed_tools == ("Bash(git add:*)", "Read", "Write")
    assert skill.metadata == {"author": "me", "nested": {"a": ["1"]}}
    assert skill.extra == {"version": "1.10", "triggers": ["a", "b"]}
    assert [(one.path, one.size) for one in skill.files][1] == ("scripts/fill.py", 7)
    assert load_body(skill) == "# Forms"
    assert hash(skill)


@pytest.mark.parametrize(
    ("front", "name", "warning"),
    [
        ("description: d", "folder", "folder's is taken"),
        ("name:\ndescription: d", "folder", "folder's is taken"),
        ("name: Other Name\ndescription: d", "Other Name", "is not its folder's"),
        ("name: [folder]\ndescription: d", "folder", "its name is not a text"),
        (f"name: folder\ndescription: {'d' * 2000}", "folder", "more than 1,024"),
        ("name: folder\ndescription: d\nmetadata: text", "folder", "metadata is not made"),
        ("name: folder\ndescription: d\nlicense: [MIT]", "folder", "license is not a text"),
    ],
)
def test_what_is_not_as_the_standard_has_it_is_loaded_with_a_warning(
    tmp_path, front, name, warning
):
    skill = read_skill(write_skill(tmp_path / "folder", front))
    assert isinstance(skill, Skill)
    assert skill.name == name
    assert any(warning in one for one in skill.warnings), skill.warnings


@pytest.mark.parametrize(
    ("front", "reason"),
    [
        ("name: folder", "no description"),
        ("name: folder\ndescription: '  '", "no description"),
        ('name: "fol\\u202eder"\ndescription: d', "not seen"),
        (f"name: {'n' * 300}\ndescription: d", "over-long"),
        ("name: &a folder\ndescription: d", "anchors"),
    ],
)
def test_a_broken_skill_is_a_value(tmp_path, front, reason):
    broken = read_skill(write_skill(tmp_path / "folder", front))
    assert isinstance(broken, BrokenSkill)
    assert broken.name == "folder"
    assert reason in broken.reason


def test_a_lower_case_file_is_taken_and_the_upper_case_one_goes_before(tmp_path):
    folder = write_skill(tmp_path / "one")
    (folder / "SKILL.md").rename(folder / "skill.md")
    assert read_skill(folder).file == "skill.md"
    write_skill(folder)
    assert read_skill(folder).file == "SKILL.md"


def test_no_folder_no_file_and_things_that_are_no_files(tmp_path):
    assert "cannot be read" in read_skill(tmp_path / "absent").reason
    assert read_skill(tmp_path).reason == "it has no SKILL.md"
    (tmp_path / "one" / "SKILL.md").mkdir(parents=True)
    assert "not a file" in read_skill(tmp_path / "one").reason
    (tmp_path / "two").mkdir()
    os.mkfifo(tmp_path / "two" / "SKILL.md")
    assert "not a file" in read_skill(tmp_path / "two").reason
    (tmp_path / "three").mkdir()
    (tmp_path / "three" / "SKILL.md").symlink_to("/etc/passwd")
    assert "leads out" in read_skill(tmp_path / "three").reason
    (tmp_path / "four").symlink_to("four")
    assert isinstance(read_skill(tmp_path / "four"), BrokenSkill)


def test_an_over_long_file_is_refused(tmp_path):
    folder = write_skill(tmp_path / "long", body="x" * 1024 * 1024)
    assert "bytes, over" in read_skill(folder).reason


def test_the_listing_leaves_out_links_and_caches(tmp_path):
    folder = write_skill(tmp_path / "one")
    add_file(folder, "scripts/a.py", "")
    add_file(folder, "scripts/__pycache__/a.pyc", "")
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "folder").symlink_to("/etc")
    assert [one.path for one in read_skill(folder).files] == ["SKILL.md", "scripts/a.py"]
