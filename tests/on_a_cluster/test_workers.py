"""The workers of a job: each has its code from the zip alone, and needs no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from .conftest import SOURCES, own_name, read_lines

pytestmark = [pytest.mark.slow, pytest.mark.flink]
ROLES = {
    "map",
    "key selector of an agent",
    "action",
    "key selector",
    "process function",
    "map at the end",
}
APART = ["unshare", "--user", "--map-root-user", "--net"]
"""Runs a command in a network of its own, which has no way out."""
NO_NETWORK = """\
set -e
ip link set lo up
agents() { "$PYTHON" -c 'from headrace_cli.main import main; main()' "$@"; }
trap 'agents cluster down "$NAME" >&2' EXIT
agents cluster up "$NAME" --taskmanagers 2 --slots 2 >&2
agents submit "$ZIP" --cluster "$NAME" --parallelism 2 --set "demo.output=$OUTPUT"
"""


@pytest.fixture(scope="module")
def zip_(zips):
    return zips.build((SOURCES / "telling.py").read_text(), "jobs:telling")


def _reports(folder):
    return [report for line in read_lines(folder) for report in json.loads(line)]


@pytest.fixture(scope="module")
def reports(site, zip_, tmp_path_factory):
    """What every function of the job told, for every input."""
    folder = tmp_path_factory.mktemp("reports")
    site.all_free()
    done = site.agents(
        *("submit", zip_, "--parallelism", 2, "--set", f"demo.output={folder}"),
        HEADRACE_TEST_MARKER="of the client",
        PYTHONPATH="/nowhere/of/the/client",
    )
    assert "FINISHED" in done.stderr
    found = _reports(folder)
    assert len(found) == 20 * len(ROLES)
    return found


def test_every_kind_of_function_told_of_itself_on_both_taskmanagers(reports):
    for role in ROLES:
        assert len({one["home"] for one in reports if one["role"] == role}) == 2, role


def test_packages_are_those_of_the_zip_as_the_taskmanager_unpacked_it(site, reports):
    for one in reports:
        home = Path(one["home"])
        assert home.is_relative_to(site.cluster.folder / "tmp")
        site_packages = str(home / "site-packages") + os.sep
        for name, file in one["packages"].items():
            assert file.startswith(site_packages), (one["role"], name)


def test_every_module_is_of_the_zip_or_of_the_standard_library(reports):
    standard = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix}))
    for one in reports:
        outside = [
            folder
            for folder in map(Path, (*one["folders"], *one["path"]))
            if not folder.is_relative_to(one["home"]) and not _is_standard(folder, standard)
        ]
        assert not outside, (one["role"], outside)
        assert one["no_site"] == 1


def _is_standard(folder, standard):
    beside = {"site-packages", "dist-packages"}.intersection(folder.parts)
    zipped = standard.parent / f"{standard.name.replace('.', '')}.zip"
    return folder == zipped or (folder.is_relative_to(standard) and not beside)


def test_nothing_of_the_clients_environment_reaches_them(reports):
    for one in reports:
        assert "HEADRACE_TEST_MARKER" not in one["environment"], one["role"]
        assert not [path for path in one["path"] if "of/the/client" in path], one["role"]


def _can_be_apart():
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        return False
    return subprocess.run([*APART, "ip", "link", "set", "lo", "up"], check=False).returncode == 0


def test_a_job_needs_no_network(kit, zip_, tmp_path):
    if not _can_be_apart():
        pytest.skip("no network namespace is to be had here")
    given = {
        **kit.environment,
        "PYTHON": sys.executable,
        "NAME": own_name("apart"),
        "ZIP": str(zip_),
        "OUTPUT": str(tmp_path / "out"),
    }
    done = subprocess.run(
        [*APART, "sh", "-c", NO_NETWORK],
        env=given,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = _reports(tmp_path / "out")
    assert {one["role"] for one in found} == ROLES
    assert {tuple(one["network"]) for one in found} == {("lo",)}
