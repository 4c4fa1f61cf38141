"""Any bytes at all are read, or refused with a typed error; and the check never fails."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_skills import Skill, SkillFormatError, _frontmatter, read_skill
from headrace_skills.checking import check_skill

from .documents import damaged, documents
from .wild import KINDS

_WHOLE = st.one_of(documents(), st.sampled_from([kind.data for kind in KINDS]))
ANY = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(lambda text: f"---\n{text}\n---\n".encode("utf-8", "replace")),
    st.binary(max_size=100).map(lambda data: b"---\nname: a\n" + data + b"\n---\nbody"),
    damaged(_WHOLE),
    damaged(_WHOLE),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz") / "pdf-forms"
    folder.mkdir()
    return folder


def hold(root, data: bytes) -> None:
    with suppress(SkillFormatError):
        _frontmatter.parse_document(data)
    (root / "SKILL.md").write_bytes(data)
    report = check_skill(root)
    assert report.loads == isinstance(read_skill(root), Skill), report.faults
    lines = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for fault in report.faults:
        assert 1 <= fault.line <= len(lines)
        assert 1 <= fault.column <= len(lines[fault.line - 1]) + 2
        assert fault.message.isprintable()
        assert fault.mend.isprintable()
    assert report.valid or any(fault.level == "error" for fault in report.faults)


@pytest.mark.slow
@settings(max_examples=2_000, deadline=None)
@given(data=ANY)
def test_any_bytes(root, data):
    hold(root, data)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(data=ANY)
def test_any_bytes_without_the_c_loader(root, data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_frontmatter, "_LOADER", yaml.SafeLoader)
        hold(root, data)


@pytest.mark.parametrize(
    "line",
    [
        'metadata: {["version": "1"}',
        "metadata: {a: b, a: c]",
        "license: &a [b",
        "license: a: b\nmetadata: *a",
        "license: a: b\nlicense: c",
        "license: a: b\nmetadata: [" + "[" * 20,
    ],
)
def test_what_is_refused_and_what_is_tried_again(root, line):
    """Both readings stop at the same: hostile YAML before an error is final."""
    hold(root, f"---\nname: pdf-forms\ndescription: d\n{line}\n---\n".encode())


def test_blank_lines_before_do_not_change_what_is_read(root):
    hold(root, "\n---\n\ufeff---\nname: pdf-forms\ndescription: d\n---\n".encode())


@pytest.mark.parametrize("escape", ["\\ud800", "\\UFFFFFFFF", "\\U00110000"])
@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_an_escape_that_is_no_character_is_refused(root, monkeypatch, loader, escape):
    monkeypatch.setattr(_frontmatter, "_LOADER", getattr(yaml, loader, yaml.SafeLoader))
    data = f'---\nname: pdf-forms\ndescription: "{escape}"\n---\n'.encode()
    hold(root, data)
    assert not check_skill(root).valid


@pytest.mark.parametrize(
    "data",
    [
        b"---\n" + b"a\tb#" * 16_000 + b"\n---\n",
        b"---\nname: a\nd: '" + b"--- " * 16_000 + b"'\n---\n",
        b"---\nname: a\nd: '" + "\u2028".encode() * 20_000 + b"'\n---\n",
        b"---\nname: a\ndescription: b\n---\n" + b"[](" * 300_000,
        b"---\nname: a\ndescription: b\n---\n" + b"`" * 900_000,
        b"---\nname: a\ndescription: b\n---\n" + b"` `` " * 180_000,
        b"---\nname: a\ndescription: b\n---\n" + "\u200b\n".encode() * 250_000,
        b"---\nname: a\ndescription: b\n---\n" + b"[a](b.md)\n" * 90_000,
        b"---\nname: a\ndescription: b\n---\n" + b"scripts/" * 110_000,
        b"---\nname: a\ndescription: b\nallowed-tools: " + b"a(" * 30_000 + b"\n---\n",
        b"---\nname: " + b"\xc3\xa9-" * 20_000 + b"\n---\n",
        b"---\n" + b"".join(b"abcdefgh%d: x\n" % number for number in range(2_400)) + b"---\n",
        b" \n" * 500_000,
        b"---\n" + b"--\n" * 300_000,
    ],
)
def test_hostile_sizes_take_no_long_time(root, data):
    began = time.process_time()
    hold(root, data)
    assert time.process_time() - began < 5


def test_a_hostile_script_takes_no_long_time(tmp_path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "SKILL.md").write_text("---\nname: a\ndescription: b\n---\nc\n")
    (tmp_path / "scripts" / "a.py").write_text("# /// script\n" * 40_000)
    began = time.process_time()
    report = check_skill(tmp_path)
    assert time.process_time() - began < 5
    assert "script-metadata" in {fault.rule for fault in report.faults}
