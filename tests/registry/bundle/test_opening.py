"""A job's zip in the cache: verified, whole, shared, and cleaned up."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from headrace_registry.bundle.opening import MARKER, open_zip
from headrace_registry.bundle.signing import JobSigner, create_job_key, sign_manifest
from headrace_registry.bundle.verifying import VerificationError

from .zips import JobFiles

OPENING = """
import sys
from pathlib import Path
from headrace_registry.bundle.opening import open_zip
for one in sys.argv[2:]:
    print(open_zip(Path(one), cache=Path(sys.argv[1]), keep=99))
"""


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def zipped(tmp_path):
    return JobFiles().write(tmp_path / "job.zip")


def another(path, name):
    """A zip of another job."""
    job = JobFiles()
    job.manifest["name"] = name
    return job.write(path)


def contents(folder):
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    del found[MARKER]
    return found


def start(cache, *zips):
    """Opens zips in another process, which prints their folders."""
    return subprocess.Popen(
        [sys.executable, "-c", OPENING, str(cache), *map(str, zips)],
        stdout=subprocess.PIPE,
        text=True,
    )


def opened(cache, *zips):
    process = start(cache, *zips)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out.split()


# ---------------------------------------------------------------- the folder


def test_the_folder_has_the_files_of_the_zip_and_the_digest_as_its_name(zipped, cache):
    home = open_zip(zipped, cache=cache)
    files = JobFiles().packed()
    assert contents(home) == files
    assert home == cache / "jobs" / hashlib.sha256(files["job.json"]).hexdigest()


def test_its_files_are_read_only_and_programs_can_be_run(zipped, cache):
    home = open_zip(zipped, cache=cache)
    modes = {
        path.relative_to(home).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in home.rglob("*")
        if path.is_file() and path.name != MARKER
    }
    assert not [name for name, mode in modes.items() if mode & 0o222]
    assert [name for name, mode in modes.items() if mode & 0o111] == ["bin/python"]


def test_only_the_user_may_look_into_the_cache(zipped, cache):
    open_zip(zipped, cache=cache)
    assert stat.S_IMODE((cache / "jobs").stat().st_mode) == 0o700


def test_the_cache_is_the_users_where_none_is_given(zipped, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(tmp_path / "mine"))
    assert open_zip(zipped).parent == tmp_path / "mine" / "jobs"


# ---------------------------------------------------------------- once


def test_a_job_is_unpacked_once(zipped, cache):
    first = open_zip(zipped, cache=cache)
    before = (first / "main.py").stat()
    assert open_zip(zipped, cache=cache) == first
    assert (first / "main.py").stat().st_ino == before.st_ino


def test_a_folder_without_its_marker_is_made_anew(zipped, cache):
    """A process was killed, or somebody removed files: it is not to be trusted."""
    home = open_zip(zipped, cache=cache)
    (home / MARKER).unlink()
    (home / "main.py").unlink()
    (home / "evil.py").write_text("")
    assert contents(open_zip(zipped, cache=cache)) == JobFiles().packed()


def test_what_a_killed_process_left_is_passed_over(zipped, cache):
    home = open_zip(zipped, cache=cache)
    half = home.with_name(f"{home.name}.part")
    home.rename(half)
    (half / MARKER).unlink()
    (half / "main.py").unlink()
    assert contents(open_zip(zipped, cache=cache)) == JobFiles().packed()
    assert not half.exists()


def test_who_comes_second_waits_and_uses_the_first_ones_folder(zipped, cache):
    under_way, go_on = threading.Event(), threading.Event()
    homes, second_read = [], []

    def wait(done, total):
        under_way.set()
        assert go_on.wait(60)

    def first():
        homes.append(open_zip(zipped, cache=cache, progress=wait))

    def second():
        progress = lambda *told: second_read.append(told)  # noqa: E731
        homes.append(open_zip(zipped, cache=cache, progress=progress))

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert under_way.wait(60)
    threads[1].start()
    go_on.set()
    for one in threads:
        one.join(60)
    assert len(homes) == 2
    assert homes[0] == homes[1]
    assert second_read == []


@pytest.mark.slow
def test_processes_that_begin_together_get_one_whole_folder(zipped, cache):
    processes = [start(cache, zipped) for _ in range(3)]
    outs = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert {process.returncode for process in processes} == {0}
    (home,) = outs
    assert contents(Path(home)) == JobFiles().packed()


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    "late",
    [{"app/echo.py": b"evil"}, {"app/evil.py": b"evil"}, {"main.py": None}],
    ids=["changed", "extra", "missing"],
)
def test_nothing_of_a_wrong_zip_stays(tmp_path, cache, late):
    job = JobFiles()
    job.late = late
    with pytest.raises(VerificationError):
        open_zip(job.write(tmp_path / "job.zip"), cache=cache)
    assert [one for one in (cache / "jobs").iterdir() if one.is_dir()] == []


def test_a_zip_that_brings_the_marker_is_refused(tmp_path, cache):
    job = JobFiles()
    job.files[MARKER] = b""
    with pytest.raises(VerificationError, match=MARKER):
        open_zip(job.write(tmp_path / "job.zip"), cache=cache)


def test_keys_are_asked_for_though_the_folder_is_there(zipped, cache):
    open_zip(zipped, cache=cache)
    with pytest.raises(VerificationError, match="is not signed"):
        open_zip(zipped, cache=cache, keys=["sha256:" + "0" * 64])


def test_a_signed_zip_opens_with_its_key(tmp_path, cache):
    key = create_job_key(tmp_path / "keys", "password")
    job = JobFiles()
    job.sign = lambda data: sign_manifest(data, JobSigner.open(tmp_path / "keys", "password"))
    home = open_zip(job.write(tmp_path / "job.zip"), cache=cache, keys=[key])
    assert (home / "job.json.dsse").is_file()


def test_a_folder_that_is_there_is_not_harmed_by_a_wrong_zip_of_its_name(tmp_path, cache):
    home = open_zip(JobFiles().write(tmp_path / "job.zip"), cache=cache)
    job = JobFiles()
    job.late = {"app/echo.py": b"evil"}  # the manifest, and so the digest, is the same
    assert open_zip(job.write(tmp_path / "evil.zip"), cache=cache) == home
    assert contents(home) == JobFiles().packed()


def test_a_wrong_zip_that_is_passed_on_is_refused_though_its_folder_is_there(tmp_path, cache):
    open_zip(JobFiles().write(tmp_path / "job.zip"), cache=cache)
    job = JobFiles()
    job.late = {"app/echo.py": b"evil"}
    with pytest.raises(VerificationError, match=r"changed: app/echo\.py"):
        open_zip(job.write(tmp_path / "evil.zip"), cache=cache, travels=True)


# ---------------------------------------------------------------- old ones


@pytest.fixture
def old(tmp_path, cache):
    """The folders of three jobs whose runs have ended, the one used longest ago first."""
    zips = [another(tmp_path / f"{name}.zip", name) for name in ("one", "two", "three")]
    homes = [Path(one) for one in opened(cache, *zips)]
    for age, home in zip((300, 200, 100), homes, strict=True):
        when = (home / MARKER).stat().st_mtime - age
        os.utime(home / MARKER, (when, when))
    return homes


def test_those_used_longest_ago_are_removed(old, zipped, cache):
    home = open_zip(zipped, cache=cache, keep=2)
    assert [one.exists() for one in (*old, home)] == [False, False, True, True]
    assert {one.name for one in (cache / "jobs").iterdir() if one.is_dir()} == {
        old[2].name,
        home.name,
    }


def test_a_job_that_is_used_again_counts_as_new(old, zipped, cache, tmp_path):
    opened(cache, tmp_path / "one.zip")
    open_zip(zipped, cache=cache, keep=2)
    assert [one.exists() for one in old] == [True, False, False]


def test_a_job_that_still_runs_is_not_removed(old, zipped, cache, tmp_path):
    running = open_zip(tmp_path / "one.zip", cache=cache)
    os.utime(running / MARKER, (1, 1))
    open_zip(zipped, cache=cache, keep=1)
    assert [one.exists() for one in old] == [True, False, False]


def test_one_that_another_process_opens_is_not_removed(old, zipped, cache):
    from filelock import FileLock

    with FileLock(cache / "jobs" / f"{old[0].name}.lock"):
        open_zip(zipped, cache=cache, keep=1)
    assert [one.exists() for one in old] == [True, False, False]


def test_five_are_kept_by_default(old, cache, tmp_path):
    for name in ("four", "five"):
        open_zip(another(tmp_path / f"{name}.zip", name), cache=cache)
    assert all(one.exists() for one in old)
    open_zip(another(tmp_path / "six.zip", "six"), cache=cache)
    assert [one.exists() for one in old] == [False, True, True]
