"""The lock is a standard one: stock uv and stock pip install the same files from it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv

import pytest

from headrace_registry.locking import Environment, install, resolve


@pytest.fixture
def project(bench, wheel, machine):
    """A lock with a package of each kind: registry, index, and the project's own."""
    wheel(bench.folder / "vendor", "skill-own", "1.0", ("lib",))
    bench.main.add("skill-a", "1.0", ("skill-b", "old; python_version < '3.0'"))
    bench.main.add("skill-b", "1.0")
    bench.index.add("lib", "1.0")
    bench.index.add("old", "1.0")
    wanted = bench.wanted("skill-a", "skill-own", targets=(machine,), bound={"skill-own": "vendor"})
    lock = resolve(wanted)
    (bench.folder / "pylock.toml").write_text(lock.as_toml())
    return bench, lock


def contents(environment):
    """The digest of each installed file, but for those that say who installed it and when."""
    own = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json", "uv_cache.json"}
    return {
        path.relative_to(environment.packages).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in environment.packages.rglob("*")
        if path.is_file()
        and path.name not in own
        and path.suffix != ".pyc"
        and not path.relative_to(environment.packages).parts[0].startswith("_virtualenv")
    }


def environment_of(folder, name):
    venv.create(folder / name, symlinks=True)
    return Environment.find(folder, folder / name)


@pytest.fixture
def ours(project, client, tmp_path):
    bench, lock = project
    environment = environment_of(tmp_path, "ours")
    install(lock, environment, clients={"main": client}, project=bench.folder)
    return contents(environment)


def test_uv_pip_sync(project, ours, tmp_path):
    from uv import find_uv_bin

    bench, _ = project
    environment = environment_of(tmp_path, "uvs")
    subprocess.run(
        [
            *(find_uv_bin(), "pip", "sync", "-q", "--preview-features", "pylock"),
            *("--python", environment.python, "pylock.toml"),
        ],
        cwd=bench.folder,
        check=True,
    )
    assert contents(environment) == ours


def test_pip_install(project, ours, tmp_path):
    bench, _ = project
    environment = environment_of(tmp_path, "pips")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", environment.python, "install", "-q"),
            *("--disable-pip-version-check", "--no-compile", "-r", "pylock.toml"),
        ],
        cwd=bench.folder,
        check=True,
        stderr=subprocess.PIPE,  # a warning that the form is new
    )
    assert contents(environment) == ours


def test_they_refuse_a_wheel_that_was_changed_after_locking(project, tmp_path):
    from uv import find_uv_bin

    bench, _ = project
    path = bench.main.folder / "files" / "skill-b" / "skill_b-1.0-py3-none-any.whl"
    path.write_bytes(path.read_bytes() + b"x")
    environment = environment_of(tmp_path, "uvs")
    done = subprocess.run(
        [
            *(find_uv_bin(), "pip", "sync", "--preview-features", "pylock"),
            *("--python", environment.python, "pylock.toml"),
        ],
        cwd=bench.folder,
        capture_output=True,
        check=False,
        text=True,
    )
    assert (done.returncode != 0, environment.installed()) == (True, {})
