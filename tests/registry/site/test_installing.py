"""Stock pip and stock uv install from a site: over HTTP, and from the folder as it lies there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from uv import find_uv_bin

from headrace_registry.site import reserve, serve, yank

pytestmark = pytest.mark.slow

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP_"))}


def uv(index, target, *asked):
    return _run(
        *(find_uv_bin(), "pip", "install", "--no-config", "--no-cache", "--default-index", index),
        *("--target", target, "--python", sys.executable, *asked),
    )


def pip(index, target, *asked):
    return _run(
        *(sys.executable, "-m", "pip", "install", "--isolated", "--no-cache-dir"),
        *("--disable-pip-version-check", "--index-url", index, "--target", target, *asked),
    )


def _run(*arguments):
    return subprocess.run(
        [str(one) for one in arguments],
        capture_output=True,
        text=True,
        check=False,
        env=CLEAN,
        timeout=200,
    )


@pytest.fixture(params=["http", "folder"])
def index(request, workshop, site, build):
    build(
        workshop.skill(more="  headrace-dependencies: acme>=1\n"),
        workshop.plain(version="1.5", files={"acme/data.txt": "good"}),
        workshop.plain(version="2.0"),
        workshop.plain(version="1.9", metadata="Requires-Python: >=3.99\n"),
    )
    yank(site, "acme", "2.0", "it loses data")
    reserve(site, "ours", "kept")
    if request.param == "folder":
        yield f"{site.as_uri()}/simple/"
    else:
        with serve(site) as server:
            yield f"{server.url}/simple/"


@pytest.mark.parametrize("installer", [pip, uv])
def test_a_skill_comes_with_what_it_requires_and_no_yanked_version(index, tmp_path, installer):
    done = installer(index, tmp_path / "target", "skill-greet")
    assert done.returncode == 0, done.stderr
    infos = sorted(one.name for one in (tmp_path / "target").glob("*.dist-info"))
    assert infos == ["acme-1.5.dist-info", "skill_greet-1.0.dist-info"]
    assert (tmp_path / "target/skill_greet/.agents/skills/greet/SKILL.md").is_file()


@pytest.mark.parametrize("installer", [pip, uv])
def test_a_yanked_version_is_had_by_who_names_it_exactly(index, tmp_path, installer):
    done = installer(index, tmp_path / "target", "acme==2.0")
    assert done.returncode == 0, done.stderr
    assert "it loses data" in done.stdout + done.stderr


@pytest.mark.parametrize("installer", [pip, uv])
def test_a_reserved_name_gives_nothing(index, tmp_path, installer):
    done = installer(index, tmp_path / "target", "ours")
    assert done.returncode != 0
    assert not list((tmp_path / "target").glob("ours*"))


@pytest.mark.parametrize("installer", [pip, uv])
def test_a_wheel_that_was_changed_is_refused(index, workshop, site, tmp_path, installer):
    wheel = site / "files/acme/acme-1.5-py3-none-any.whl"
    other = workshop.plain(version="1.5", files={"acme/data.txt": "evil"})
    assert wheel.stat().st_size == other.stat().st_size
    other.replace(wheel)
    done = installer(index, tmp_path / "target", "acme")
    assert done.returncode != 0
    assert "hash" in (done.stdout + done.stderr).lower()
