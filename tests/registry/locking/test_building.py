"""Source distributions that the project lets build: once, by name, into wheels of its own."""

from __future__ import annotations

import subprocess

import pytest

from headrace_registry.errors import ConflictError, DownloadError, LockError, OfflineError
from headrace_registry.locking import build_missing, install, resolve
from headrace_registry.settings import Target

BUILD = ("old==1.0",)


@pytest.fixture
def old(bench, sdist, machine):
    sdist("old", "1.0")
    sdist("old", "2.0")
    return bench.wanted("old", targets=(machine,), build=BUILD)


def test_it_becomes_a_wheel_of_the_projects_own_that_is_locked(old, bench):
    wanted = build_missing(old)
    lock = resolve(wanted)
    (package,) = lock.packages
    assert (package.version, package.origin) == ("1.0", "vendor")
    assert package.wheels[0].path == "vendor/old-1.0-py3-none-any.whl"
    assert (bench.folder / package.wheels[0].path).is_file()


def test_the_wheel_works(old, bench, environment):
    lock = resolve(build_missing(old))
    install(lock, environment, project=bench.folder)
    command = [environment.python, "-c", "import old; print(old.VERSION)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "1.0\n"


def test_it_is_built_once(old, bench, machine):
    build_missing(old)
    (wheel,) = (bench.folder / "vendor").iterdir()
    before = wheel.stat().st_mtime_ns
    told = []
    build_missing(bench.wanted("old", targets=(machine,), build=BUILD), progress=told.append)
    assert (told, wheel.stat().st_mtime_ns) == ([], before)


def test_two_builds_give_the_same_bytes(old, bench):
    build_missing(old)
    (wheel,) = (bench.folder / "vendor").iterdir()
    first = wheel.read_bytes()
    wheel.unlink()
    build_missing(old)
    assert wheel.read_bytes() == first


def test_nothing_else_is_built(old, bench, sdist, machine):
    sdist("other", "1.0")
    wanted = build_missing(bench.wanted("old", "other", targets=(machine,), build=BUILD))
    with pytest.raises(ConflictError, match=r"other 1.0 exists as source only"):
        resolve(wanted)


def test_a_source_that_is_not_what_the_index_tells_is_refused(old, bench):
    path = bench.index.folder / "files" / "old" / "old-1.0.tar.gz"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises((DownloadError, LockError), match="old"):
        build_missing(old)
    assert not (bench.folder / "vendor").exists()


def test_a_build_that_fails_says_so_and_leaves_nothing(bench, sdist, machine):
    sdist("old", "1.0", code="raise SystemExit('no compiler')")
    with pytest.raises(LockError, match=r"old 1.0 cannot be built") as raised:
        build_missing(bench.wanted("old", targets=(machine,), build=BUILD))
    assert "no compiler" in str(raised.value)
    assert not (bench.folder / "vendor").exists()


def test_offline_it_is_not_built(old):
    with pytest.raises(OfflineError, match="without --offline"):
        build_missing(old, offline=True)


def test_for_another_machine_it_is_not_built_here(bench, sdist, machine):
    sdist("old", "1.0")
    other = "linux/arm64" if machine.platform != "linux/arm64" else "linux/amd64"
    wanted = bench.wanted("old", targets=(Target(machine.python, other),), build=BUILD)
    with pytest.raises(LockError, match="build it on such a machine"):
        build_missing(wanted)
