"""The same folder gives the same archives: wherever, whenever, by whomever it is packed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import time

import pytest

from headrace_skills.packing import PackingError, contents_of, pack

from .conftest import Wheel, add, tree

FILES = {"references/ä.md": "Ä" * 70_000, "scripts/run.py": "print(1)\n", "z/empty": ""}
PROGRAM = """
import os, pathlib, sys
os.umask(int(sys.argv[2], 8))
from headrace_skills.packing import pack
packed = pack([pathlib.Path(sys.argv[1])], sdist=True)
print(packed.wheel.sha256, packed.sdist.sha256)
"""


def packed_by(root, umask="022", **environment):
    given = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(root), umask],
        env={**given, **environment},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()


def test_neither_path_nor_time_nor_umask_nor_zone_nor_seed_matters(folder, tmp_path):
    root = folder(files=FILES)
    (root / "scripts/run.py").chmod(0o755)
    elsewhere = tmp_path / "else where" / "pdf"
    elsewhere.mkdir(parents=True)
    for path in reversed(list(tree(root))):  # made in another order
        copy = add(elsewhere, path, (root / path).read_bytes())
        copy.chmod(0o775 if path == "scripts/run.py" else 0o600)
        os.utime(copy, (1_000_000_000, 1_000_000_000))
    one = packed_by(root, PYTHONHASHSEED="1", TZ="Pacific/Auckland", LC_ALL="C")
    other = packed_by(elsewhere, "077", PYTHONHASHSEED="2", TZ="America/New_York")
    assert one == other
    assert one == packed_by(f"{root}/../pdf/.")


def test_a_time_can_be_given(folder, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(time.time())))
    root = folder()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")  # 2023-11-14 22:13:20 UTC
    made = Wheel(pack([root]).wheel)
    assert {info.date_time for info in made.zip.infolist()} == {(2023, 11, 14, 22, 13, 20)}


@pytest.mark.parametrize(
    ("given", "year"), [(None, 1980), ("0", 1980), ("-5", 1980), ("99999999999", 2107)]
)
def test_a_time_that_no_zip_holds_is_the_nearest_that_it_does(folder, monkeypatch, given, year):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    if given:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", given)
    packed = pack([folder()], sdist=True)
    assert {info.date_time[0] for info in Wheel(packed.wheel).zip.infolist()} == {year}


def test_a_time_that_is_no_number_is_refused(folder, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(PackingError, match="SOURCE_DATE_EPOCH"):
        pack([folder()])


def test_members_are_stored_so_that_no_library_decides_on_bytes(folder):
    packed = pack([folder(files=FILES)], sdist=True)
    assert {info.compress_type for info in Wheel(packed.wheel).zip.infolist()} == {0}
    assert "Ä".encode() * 70_000 in packed.wheel.data
    # A stored block of gzip holds 65,535 bytes at most, so a run of half of it is unbroken.
    assert "Ä".encode() * 16_000 in packed.sdist.data


def test_the_sdist_is_a_tar_that_everybody_reads(folder, tmp_path):
    packed = pack([folder(files=FILES)], sdist=True)
    path = packed.sdist.write(tmp_path / "dist")
    with tarfile.open(path) as archive:  # checks gzip's sum and length
        assert {(one.uid, one.gid, one.uname) for one in archive} == {(0, 0, "")}
        archive.extractall(tmp_path / "out", filter="data")
    root = tmp_path / "out" / "skill_pdf-1.2.0"
    assert tree(root / "skill_pdf/.agents/skills/pdf") == tree(tmp_path / "pdf")
    assert subprocess.run(["gzip", "-t", str(path)], check=False).returncode == 0


# ------------------------------------------------------------------ the digest of a skill


def test_the_digest_can_be_reckoned_by_hand(folder):
    root = folder()
    add(root, "run.sh", "#!/bin/sh\n", mode=0o755)
    lines = ""
    for mark, path in (("-", "SKILL.md"), ("x", "run.sh")):
        lines += f"{mark} {hashlib.sha256((root / path).read_bytes()).hexdigest()} {path}\n"
    expected = hashlib.sha256(lines.encode()).hexdigest()
    assert contents_of(root).digest() == f"sha256:{expected}"
    assert pack([root]).skills[0].digest == f"sha256:{expected}"


@pytest.mark.parametrize(
    "change",
    [
        lambda root: add(root, "SKILL.md", "---\nname: pdf\ndescription: d\n---\n"),
        lambda root: add(root, "new.md"),
        lambda root: (root / "a.md").rename(root / "b.md"),
        lambda root: (root / "a.md").chmod(0o755),
        lambda root: (root / "a.md").unlink(),
    ],
)
def test_a_change_of_bytes_names_or_run_bits_changes_the_digest(folder, change):
    root = folder(files={"a.md": "a"})
    before = contents_of(root).digest()
    change(root)
    assert contents_of(root).digest() != before


def test_what_is_not_packed_is_not_in_the_digest(folder, tmp_path):
    root = folder(files={"a.md": "a"})
    before = contents_of(root).digest()
    add(root, "__pycache__/a.pyc")
    add(root, ".env", "TOKEN=1")
    os.utime(root / "a.md", (1, 1))
    (root / "a.md").chmod(0o666)
    assert contents_of(root).digest() == before
    shutil.copytree(root, tmp_path / "other" / "pdf")
    assert contents_of(tmp_path / "other" / "pdf").digest() == before
