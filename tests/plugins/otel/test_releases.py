"""It can be installed beside each release of Flink, whose Beam says which protobuf there is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from uv import find_uv_bin

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[3]
RELEASES = [path.stem.partition("-")[2] for path in sorted(ROOT.glob("constraints/flink-*.txt"))]


@pytest.mark.slow
@pytest.mark.parametrize("python", ["3.10", "3.11"])
@pytest.mark.parametrize("release", RELEASES)
def test_it_resolves_beside_a_release_of_flink(release, python, tmp_path):
    project = tomllib.loads((ROOT / "plugins/otel/pyproject.toml").read_text())["project"]
    needs = [one for one in project["dependencies"] if not one.startswith("headrace-")]
    (tmp_path / "wanted.in").write_text("\n".join([f"apache-flink=={release}", *needs]))
    target = ("--python-version", python, "--python-platform", "x86_64-manylinux_2_28")
    done = subprocess.run(
        [find_uv_bin(), "pip", "compile", "--quiet", "--no-config", *target, "wanted.in"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = dict(line.split("==") for line in done.stdout.splitlines() if line[:1].isalpha())
    for one in map(Requirement, needs):
        assert one.specifier.contains(found[one.name])
