"""What of a wheel goes into a zip: every file where it belongs, unless it lies or is of no use."""

from __future__ import annotations

import struct

import pytest

from headrace_registry.bundle._members import read_wheel
from headrace_registry.errors import WheelError

from .made import Wheels, hexadecimal, unpadded

ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 3, 62) + bytes(1000)


@pytest.fixture
def wheels(tmp_path):
    return Wheels(tmp_path / "project")


def read(path, cache=None):
    return read_wheel(path, hexadecimal(path.read_bytes()), cache or path.parent.parent / "cache")


def places(wheel):
    return {one.path for one in wheel.members}


def native(wheels, **more):
    return wheels.add(
        "fast-math",
        "2.0",
        tag="cp311-cp311-manylinux_2_17_x86_64",
        files={
            "fast_math/__init__.py": b"",
            "fast_math/_core.cpython-311-x86_64-linux-gnu.so": ELF,
            "fast_math/table.bin": bytes(range(256)),
            "fast_math.libs/libgcc.so.1": ELF,
            "fast_math-2.0.data/purelib/fast_math/pure.py": b"",
            "fast_math-2.0.data/platlib/fast_math/plat.py": b"",
            "fast_math-2.0.data/data/share/fast/rules.txt": b"rules",
            "fast_math-2.0.data/scripts/fastfmt": ELF,
            "fast_math-2.0.data/headers/fast.h": b"",
            "fast_math-2.0.dist-info/licenses/LICENSE": b"Be kind.",
            **more,
        },
        executable=("fast_math/_core.cpython-311-x86_64-linux-gnu.so",),
    )


# ---------------------------------------------------------------- what goes where
def test_a_native_wheels_files_go_where_an_installer_would_put_them(wheels):
    info = "site-packages/fast_math-2.0.dist-info"
    assert places(read(native(wheels))) == {
        "site-packages/fast_math/__init__.py",
        "site-packages/fast_math/_core.cpython-311-x86_64-linux-gnu.so",
        "site-packages/fast_math/table.bin",
        "site-packages/fast_math/pure.py",
        "site-packages/fast_math/plat.py",
        "site-packages/fast_math.libs/libgcc.so.1",
        "site-packages/share/fast/rules.txt",
        "site-packages/bin/fastfmt",
        f"{info}/licenses/LICENSE",
        f"{info}/METADATA",
        f"{info}/WHEEL",
        f"{info}/RECORD",
    }


def test_run_bits_are_kept_and_scripts_have_one(wheels):
    runs = {one.path for one in read(native(wheels)).members if one.executable}
    assert runs == {
        "site-packages/fast_math/_core.cpython-311-x86_64-linux-gnu.so",
        "site-packages/bin/fastfmt",
    }


def test_where_a_files_packed_bytes_lie_is_known(wheels):
    path = native(wheels)
    member = next(one for one in read(path).members if one.path.endswith("table.bin"))
    import zlib

    packed = path.read_bytes()[member.offset : member.offset + member.packed]
    assert zlib.decompress(packed, -15) == bytes(range(256))
    assert (member.size, member.method) == (256, 8)
    assert member.sha256 == hexadecimal(bytes(range(256)))


def test_compiled_files_commands_and_headers_stay_behind_and_it_is_said_why(wheels):
    path = native(
        wheels,
        **{
            "fast_math/__pycache__/old.cpython-311.pyc": b"",
            "fast_math-2.0.data/scripts/fast-tool": b"#!python\nimport fast_math\n",
            "fast_math-2.0.dist-info/direct_url.json": b"{}",
        },
    )
    assert dict(read(path).left_out) == {
        "fast_math/__pycache__/old.cpython-311.pyc": "compiled on the worker",
        "fast_math-2.0.data/scripts/fast-tool": "a command, which workers do not type",
        "fast_math-2.0.data/headers/fast.h": "headers: for compilers",
        "fast_math-2.0.dist-info/direct_url.json": "of no use once installed",
    }


def test_what_the_wheel_says_of_itself_is_read(wheels):
    points = b"[headrace.tools]\nclock = acme:Clock\n\n[console_scripts]\nacme = acme:main\n"
    path = wheels.add(
        "Acme.Clock",
        "1.2",
        "pydantic>=2",
        'rich; extra == "show"',
        files={"acme/__init__.py": b"", "acme_extra.py": b"", "{info}/entry_points.txt": points},
        metadata="License-Expression: Apache-2.0\n",
    )
    found = read(path)
    assert (found.name, found.version, found.license) == ("Acme.Clock", "1.2", "Apache-2.0")
    assert found.requires == ("pydantic>=2", 'rich; extra == "show"')
    assert found.groups == ("headrace.tools", "console_scripts")
    assert found.modules == ("acme", "acme_extra")
    assert found.pure


def test_a_native_wheel_is_not_pure(wheels):
    assert not read(native(wheels)).pure


def test_a_wheel_that_is_stored_unpacked_is_taken_as_it_is(wheels):
    member = read(wheels.add("plain", files={"plain.py": b"x = 1\n"}, stored=True)).members[-1]
    assert (member.method, member.packed, member.size) == (0, 6, 6)


# ---------------------------------------------------------------- wheels that lie
def test_a_file_that_is_not_what_the_record_says_is_refused(wheels):
    path = wheels.add("liar", record={"liar/__init__.py": f"sha256={unpadded(b'other')}"})
    with pytest.raises(WheelError, match=r"liar/__init__\.py is not what its RECORD says"):
        read(path)


def test_a_longer_digest_is_held_against_the_file_as_well(wheels):
    right = {"one.py": f"sha512={unpadded(b'1', 'sha512')}"}
    wrong = {"one.py": f"sha512={unpadded(b'2', 'sha512')}"}
    assert read(wheels.add("right", files={"one.py": b"1"}, record=right))
    with pytest.raises(WheelError, match=r"one\.py is not what its RECORD says"):
        read(wheels.add("wrong", files={"one.py": b"1"}, record=wrong))


@pytest.mark.parametrize("digest", ["md5=abc", "sha1=abc", "foo=abc"])
def test_a_digest_that_proves_nothing_is_refused(wheels, digest):
    path = wheels.add("weak", record={"weak/__init__.py": digest})
    with pytest.raises(WheelError, match="weak or unknown digest"):
        read(path)


@pytest.mark.parametrize("digest", ["sha256=?", "sha256=", "sha256=ä"])
def test_a_digest_that_is_none_is_refused(wheels, digest):
    path = wheels.add("odd", record={"odd/__init__.py": digest})
    with pytest.raises(WheelError, match="is not what its RECORD says"):
        read(path)


def test_a_file_that_the_record_does_not_list_is_refused(wheels):
    path = wheels.add("liar", unlisted={"liar/hidden.py": b"evil = 1\n"})
    with pytest.raises(WheelError, match=r"holds liar/hidden\.py, which its RECORD does not list"):
        read(path)


@pytest.mark.parametrize("name", ["METADATA", "WHEEL"])
def test_a_wheel_without_its_papers_is_refused(wheels, name):
    path = wheels.add("bare")
    import zipfile

    with zipfile.ZipFile(path) as archive:
        kept = {one: archive.read(one) for one in archive.namelist() if not one.endswith(name)}
    with zipfile.ZipFile(path, "w") as archive:
        for one, data in kept.items():
            archive.writestr(one, data)
    with pytest.raises(WheelError, match=f"has no bare-1.0.dist-info/{name}"):
        read(path)


def test_two_files_that_land_in_one_place_are_refused(wheels):
    path = wheels.add(
        "twice",
        files={"twice/a.py": b"1", "twice-1.0.data/purelib/twice/a.py": b"2"},
    )
    with pytest.raises(WheelError, match=r"two different files for site-packages/twice/a\.py"):
        read(path)


@pytest.mark.parametrize("place", ["../evil.py", "/evil.py", "evil-1.0.data/data/../../x"])
def test_a_file_that_leads_out_is_refused(wheels, place):
    with pytest.raises(WheelError, match="no plain path"):
        read(wheels.add("evil", files={place: b""}))


# ---------------------------------------------------------------- what is remembered
def test_a_wheel_is_read_through_once(wheels, tmp_path):
    path = native(wheels)
    digest = hexadecimal(path.read_bytes())
    first = read_wheel(path, digest, tmp_path / "cache")
    path.unlink()
    assert read_wheel(path, digest, tmp_path / "cache") == first


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"members": [[1]]}'])
def test_what_is_remembered_and_damaged_is_read_anew(wheels, tmp_path, damage):
    path = native(wheels)
    first = read(path, tmp_path / "cache")
    (kept,) = (tmp_path / "cache/members").iterdir()
    kept.write_bytes(damage)
    assert read(path, tmp_path / "cache") == first
