"""Zips as a source of skills: read like the folder that they hold, and trusted with nothing."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from headrace_skills import find_skills, load_body
from headrace_skills.packing import contents_of

from .conftest import add_file, write_skill


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "skills"


@pytest.fixture
def skills(tmp_path):
    """A folder with two skills."""
    folder = tmp_path / "folder"
    write_skill(folder / "triage", body="# Triage")
    add_file(folder / "triage", "scripts/go.sh", "#!/bin/sh\n", executable=True)
    write_skill(folder / "greet")
    return folder


def zipped(folder, path, *, below=None):
    """Zip a folder as people do; names are relative to ``below``."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(below or folder))
    return path


def found_in(*folders):
    return find_skills(folders=folders, installed=False)


# ------------------------------------------------------------------ found


@pytest.mark.parametrize("suffix", [".zip", ".ZIP", ".skill"])
def test_a_zip_stands_for_its_folder(skills, tmp_path, suffix):
    path = zipped(skills, tmp_path / f"mine{suffix}")
    plain, found = found_in(skills), found_in(path)
    assert found.broken == ()
    assert [s.name for s in found] == ["greet", "triage"]
    for one, other in zip(plain, found, strict=True):
        assert (one.description, one.files, one.warnings) == (
            other.description,
            other.files,
            other.warnings,
        )
        assert load_body(one) == load_body(other)
        assert contents_of(one.root).digest() == contents_of(other.root).digest()


def test_its_origin_names_the_zip_and_it_can_be_chosen_by_it(skills, tmp_path):
    path = zipped(skills, tmp_path / "mine.zip")
    skill = found_in(path).get("triage")
    assert (skill.place, skill.distribution) == (str(path), None)
    assert str(path) in skill.source
    both = find_skills(folders=[skills, path], installed=False, choose={"triage": str(path)})
    assert both.get("triage").place == str(path)
    assert [conflict.name for conflict in both.conflicts] == ["greet"]


def test_a_skill_at_the_top_of_a_zip_is_called_as_it_says(tmp_path, skills):
    path = zipped(skills / "triage", tmp_path / "triage-1.2.zip")
    (skill,) = found_in(path)
    assert (skill.name, skill.warnings) == ("triage", ())


def test_a_zip_of_a_package_is_found_without_importing_it(tmp_path, skills, monkeypatch):
    package = tmp_path / "hr_zipped"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    zipped(skills, package / "all.zip")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = found_in("hr_zipped:all.zip")
    assert {skill.place for skill in found} == {"hr_zipped:all.zip"}


# ------------------------------------------------------------------ refused, as a value


@pytest.mark.parametrize(
    ("member", "why"),
    [
        ("../evil", "no plain path"),
        ("triage/SKILL.MD", "one file on some systems"),
        ("triage/SKILL.md/x", "below a file"),
    ],
)
def test_a_hostile_zip_is_told_and_leaves_nothing(skills, tmp_path, cache, member, why):
    path = zipped(skills, tmp_path / "mine.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, "evil")
    found = found_in(path, skills)
    assert [(one.name, why in one.reason) for one in found.broken] == [(str(path), True)]
    assert [skill.name for skill in found] == ["greet", "triage"]  # those of the folder
    assert not (tmp_path / "evil").exists()
    assert not cache.exists()


def test_a_link_out_of_the_skill_is_told_and_leaves_nothing(skills, tmp_path, cache):
    path = zipped(skills, tmp_path / "mine.zip")
    info = zipfile.ZipInfo("triage/link")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, "../greet/SKILL.md")
    (broken,) = found_in(path).broken
    assert "does not lead to a file of the skill" in broken.reason
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all"])
def test_a_file_that_is_no_zip_is_told(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    (broken,) = found_in(tmp_path / "x.zip").broken
    assert "not a zip" in broken.reason


def test_a_file_of_another_kind_is_no_folder(tmp_path):
    (tmp_path / "x.txt").write_text("")
    (broken,) = found_in(tmp_path / "x.txt").broken
    assert "there is no folder" in broken.reason


# ------------------------------------------------------------------ the cache


def test_it_is_unpacked_once_under_the_digest_of_its_bytes(skills, tmp_path, cache):
    path = zipped(skills, tmp_path / "mine.zip")
    folder = cache / hashlib.sha256(path.read_bytes()).hexdigest()
    assert {skill.root.parent for skill in found_in(path)} == {folder}
    before = {file: file.stat().st_ino for file in folder.rglob("*")}
    path.rename(tmp_path / "other.zip")
    assert {skill.root.parent for skill in found_in(tmp_path / "other.zip")} == {folder}
    assert {file: file.stat().st_ino for file in folder.rglob("*")} == before
    assert list(cache.iterdir()) == [folder]


def test_another_content_is_another_folder(skills, tmp_path):
    path = tmp_path / "mine.zip"
    old = found_in(zipped(skills, path)).get("triage").root
    write_skill(skills / "triage", body="# New")
    new = found_in(zipped(skills, path)).get("triage")
    assert load_body(new).strip() == "# New"
    assert "# Triage" in (old / "SKILL.md").read_text()  # who reads it still can


@pytest.mark.parametrize("damage", ["gone", "shorter", "more"])
def test_what_a_cleaner_left_of_it_is_unpacked_again(skills, tmp_path, damage):
    path = zipped(skills, tmp_path / "mine.zip")
    root = found_in(path).get("triage").root
    if damage == "gone":
        (root / "scripts/go.sh").unlink()
    elif damage == "shorter":
        (root / "SKILL.md").write_text("")
    else:
        (root / "evil.md").write_text("")
    found = found_in(path)
    assert found.broken == ()
    assert found.get("triage").files == found_in(skills).get("triage").files


def test_a_skill_that_says_no_name_is_called_after_each_zip(tmp_path):
    folder = write_skill(tmp_path / "x", "description: d")
    one = zipped(folder, tmp_path / "one.zip")
    two = Path(tmp_path / "two.zip")
    two.write_bytes(one.read_bytes())
    assert [skill.name for skill in found_in(one, two)] == ["one", "two"]


def _names(path):
    return [skill.name for skill in found_in(path)]


def test_processes_that_unpack_it_at_once_all_find_it_whole(skills, tmp_path, cache):
    for number in range(300):
        add_file(skills / "triage", f"references/{number}.md", "x")
    path = zipped(skills, tmp_path / "mine.zip")
    with ProcessPoolExecutor(4) as pool:
        seen = list(pool.map(_names, [path] * 8))
    assert seen == [["greet", "triage"]] * 8
    assert [one.name for one in cache.iterdir()] == [hashlib.sha256(path.read_bytes()).hexdigest()]


PRIVATE = """
import os, pathlib, sys
from headrace_skills import find_skills, load_body
one = find_skills(folders=[sys.argv[1]], installed=False).get("triage")
two = find_skills(folders=[sys.argv[1]], installed=False).get("triage")
assert one.root == two.root and load_body(one).strip() == "# Triage"
assert one.root.stat().st_uid == os.geteuid()
assert one.root.parents[1].stat().st_mode & 0o777 == 0o700
print(one.root)
"""


@pytest.mark.parametrize("why", ["read-only", "another's"])
def test_without_a_cache_it_is_unpacked_for_the_process_alone(skills, tmp_path, why):
    path = zipped(skills, tmp_path / "mine.zip")
    cache = tmp_path / "no-cache"
    if why == "read-only":
        cache.write_text("a file")  # not even root can make folders below one
    else:
        (cache / "skills").mkdir(parents=True)
        (cache / "skills").chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-c", PRIVATE, str(path)],
        env={**os.environ, "HEADRACE_CACHE_DIR": str(cache), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path))
    assert not Path(done.stdout.strip()).exists()


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ({"XDG_CACHE_HOME": "{}/xdg"}, "xdg/headrace/skills"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "{}/home"}, "home/.cache/headrace/skills"),
        ({"HOME": "{}/home"}, "home/.cache/headrace/skills"),
    ],
)
def test_the_cache_is_the_users(skills, tmp_path, monkeypatch, given, folder):
    for name in ("HEADRACE_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    skill = found_in(zipped(skills, tmp_path / "mine.zip")).get("triage")
    assert skill.root.parents[1] == tmp_path / folder
