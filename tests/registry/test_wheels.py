"""What a registry reads from a wheel, and what it refuses."""

from __future__ import annotations

import hashlib
import shutil
import struct
import zipfile

import pytest

from headrace_registry import Provided, WheelError, describe_wheel
from headrace_registry.wheels import wheel_name

METADATA = """Metadata-Version: 2.4
Name: Acme.Skills
Version: 1.2
Summary: Skills of Acme
License-Expression: MIT
Requires-Python: >=3.10
Requires-Dist: headrace-core<2,>=0.1
Requires-Dist: requests; extra == "http"
"""
ENTRY_POINTS = """[headrace.tools]
Clock = acme.tools:Clock
[headrace.skills]
triage = acme
[console_scripts]
acme = acme:main
"""


@pytest.fixture
def wheel(tmp_path):
    def make(name="acme_skills-1.2-py3-none-any.whl", **files):
        path = tmp_path / name
        content = {
            "acme_skills-1.2.dist-info/METADATA": METADATA,
            "acme_skills-1.2.dist-info/entry_points.txt": ENTRY_POINTS,
            "acme/.agents/skills/triage/SKILL.md": "---\nname: triage\n---\n",
            **{key.replace("__", "/"): value for key, value in files.items()},
        }
        with zipfile.ZipFile(path, "w") as archive:
            for entry, text in content.items():
                if text is not None:
                    archive.writestr(entry, text)
        return path

    return make


def test_names_what_a_wheel_provides_each_skill_once(wheel):
    assert describe_wheel(wheel()).provides == (
        Provided("skills", "triage", "acme/.agents/skills/triage/SKILL.md"),
        Provided("tools", "Clock", "acme.tools:Clock"),
    )


def test_gives_the_files_digest_and_size(wheel):
    path = wheel()
    entry = describe_wheel(path)
    data = path.read_bytes()
    assert (entry.sha256, entry.size) == (hashlib.sha256(data).hexdigest(), len(data))


def test_reads_the_metadata(wheel):
    entry = describe_wheel(wheel())
    assert (entry.name, entry.version, entry.license) == ("acme-skills", "1.2", "MIT")


def test_says_which_core_it_works_with(wheel):
    assert describe_wheel(wheel()).requires_core == "<2,>=0.1"


def test_a_wheel_that_says_nothing_of_the_core(wheel):
    metadata = METADATA.replace("Requires-Dist: headrace-core<2,>=0.1\n", "")
    path = wheel(**{"acme_skills-1.2.dist-info__METADATA": metadata})
    assert describe_wheel(path).requires_core is None


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"acme_skills-1.2.dist-info/METADATA": None}, "no METADATA"),
        (
            {"acme_skills-1.2.dist-info/METADATA": METADATA.replace("1.2", "1.3")},
            "METADATA says acme-skills 1.3",
        ),
        ({"acme_skills-1.2.dist-info/METADATA": "x" * (2 << 20)}, "larger than"),
        ({"acme_skills-1.2.dist-info/entry_points.txt": "no section"}, "entry_points.txt"),
        ({"other-1.dist-info/METADATA": METADATA}, "2 dist-info folders"),
        (
            {"acme_skills-1.2.dist-info/METADATA": METADATA + "Requires-Dist: a b c\n"},
            "requires 'a b c'",
        ),
    ],
)
def test_a_wheel_whose_parts_disagree_is_refused(wheel, files, why):
    with pytest.raises(WheelError, match=why):
        describe_wheel(wheel(**files))


def test_what_is_no_wheel_is_refused(tmp_path):
    path = tmp_path / "acme-1-py3-none-any.whl"
    path.write_text("no zip")
    with pytest.raises(WheelError, match="cannot be read as a wheel"):
        describe_wheel(path)


def test_a_file_that_is_not_named_like_a_wheel_is_refused(tmp_path):
    with pytest.raises(WheelError, match="wheel"):
        describe_wheel(tmp_path / "acme.zip")


# ---------------------------------------------------------------- made to mislead


@pytest.mark.parametrize(
    "name",
    [
        "../evil.py",
        "/etc/passwd",
        "acme/../../evil.py",
        "acme//x.py",
        "./x.py",
        "C:/x.py",
        "acme\\x.py",
        "acme/a\x1b[2J.py",
        "acme/\u202egpj.py",
        "acme/__init__.py/x",
    ],
)
def test_a_file_that_would_lie_elsewhere_is_refused(wheel, name):
    path = wheel()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("acme/__init__.py", "")
        archive.writestr(name, "")
    with pytest.raises(WheelError, match=r"no plain path|lies below a file"):
        describe_wheel(path)


def test_a_link_is_refused(wheel):
    path = wheel()
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("acme/link")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(WheelError, match="is a link"):
        describe_wheel(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused(wheel):
    path = wheel()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("acme_skills-1.2.dist-info/METADATA", METADATA)
    with pytest.raises(WheelError, match="the same file name twice"):
        describe_wheel(path)


def test_a_bomb_is_refused_unopened(wheel):
    path = wheel()
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"acme/{number}", bytes(100 * 1024**2))
    with pytest.raises(WheelError, match="more than 200 times its size"):
        describe_wheel(path)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (8, struct.pack("<H", 8)),  # how it is compressed
        (14, b"\1\2\3\4"),  # its sum
        (18, struct.pack("<L", 3)),  # its size in the zip
        (22, struct.pack("<L", 3)),  # its size
        (30, b"evil"),  # its name
    ],
)
def test_a_list_that_says_other_things_than_the_files_is_refused(wheel, at, value):
    path = wheel()
    data = bytearray(path.read_bytes())
    data[at : at + len(value)] = value  # the head of the first file
    path.write_bytes(data)
    with pytest.raises(WheelError, match=r"disagree|overlap|not every installer"):
        describe_wheel(path)


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_zip_within_other_bytes_is_refused(wheel, where):
    path = wheel()
    data = path.read_bytes()
    path.write_bytes(b"#!/bin/sh\n" + data if where == "before" else data + b"more")
    with pytest.raises(WheelError, match=r"before its beginning|follows its end"):
        describe_wheel(path)


def test_a_list_of_too_many_files_is_not_read(wheel):
    path = wheel()
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\5\6")
    data[end + 12 : end + 16] = struct.pack("<L", 0x7FFFFFFF)  # bytes of the list
    path.write_bytes(data)
    with pytest.raises(WheelError, match="more than 100000 files"):
        describe_wheel(path)


def test_any_broken_byte_is_an_error_with_words_or_none(wheel):
    """Each byte turned round: the wheel is read, or refused; nothing else happens."""
    path = wheel()
    data = path.read_bytes()
    for at in range(0, len(data), 5):
        changed = bytearray(data)
        changed[at] ^= 0xFF
        path.write_bytes(changed)
        try:
            describe_wheel(path)
        except WheelError as error:
            assert str(error).startswith(f"{path}: ")  # noqa: PT017 - most are errors, some not


def test_a_large_zip_of_64_bits_is_read(wheel):
    path = wheel()
    large = zipfile.ZipInfo("acme/data")
    with zipfile.ZipFile(path, "a") as archive, archive.open(large, "w", force_zip64=True) as file:
        file.write(b"x")
    assert describe_wheel(path).name == "acme-skills"


@pytest.mark.parametrize(
    "name",
    [
        "аcme_skills-1.2-py3-none-any.whl",  # noqa: RUF001 - a Cyrillic letter
        "acme_skills-1.2-py3-none-any.whl\n",
        "../acme_skills-1.2-py3-none-any.whl",
        "acme_skills-1.2.tar.gz",
        "acme_skills-latest-py3-none-any.whl",
    ],
)
def test_a_file_name_that_only_looks_like_a_wheels_is_refused(name):
    with pytest.raises(WheelError):
        wheel_name(name)


@pytest.mark.parametrize(
    "said",
    ["Name: аcme.skills", "Name: other", "Name: acme skills", "Version: 1.2.1", "Version: new"],  # noqa: RUF001
)
def test_a_metadata_of_another_package_is_refused(wheel, said):
    field = said.partition(":")[0]
    own = next(line for line in METADATA.splitlines() if line.startswith(f"{field}:"))
    with pytest.raises(WheelError, match="METADATA says"):
        describe_wheel(
            wheel(**{"acme_skills-1.2.dist-info__METADATA": METADATA.replace(own, said)})
        )


def test_a_name_may_differ_by_case_dash_and_ending_zeros(wheel, tmp_path):
    path = shutil.copy(wheel(), tmp_path / "Acme.Skills-1.2.0-py3-none-any.whl")
    assert describe_wheel(path).name == "acme-skills"


def test_a_named_pipe_holds_nobody_up(tmp_path):
    import os

    os.mkfifo(tmp_path / "acme-1-py3-none-any.whl")
    with pytest.raises(WheelError, match="no file"):
        describe_wheel(tmp_path / "acme-1-py3-none-any.whl")
