"""The main job from its zip: two TaskManagers, and the same outputs as on the local engine."""

from __future__ import annotations

import json

import pytest

from .conftest import read_lines

pytestmark = [
    pytest.mark.slow,
    pytest.mark.flink,
    pytest.mark.smoke,
    pytest.mark.timeout(900),  # before Flink 2.3 its jars are made a wheel first
]


def _values(lines):
    """Outputs as values that can be sorted: an engine may write a mapping's fields in any order."""
    return sorted(json.dumps(json.loads(line), sort_keys=True) for line in lines)


def test_its_outputs_are_those_of_the_local_engine(site, kit, triage_zip, tmp_path):
    project = kit.folder / "triage"
    logs = project / "data/flink-logs.jsonl"
    told = json.loads((project / "data/expected.json").read_text())["clusters"]
    known = {name: kind for name, kind in told.items() if kind is not None}
    local = tmp_path / "local.jsonl"
    kit.agents("run", ".", "--input", logs, "--output", local, "--quiet", cwd=project)
    expected = _values(local.read_text().splitlines())
    assert {one["cluster"]: one["class"] for one in map(json.loads, expected)} == known

    files = ["--input", logs, "--output", tmp_path / "out", "--dead-letters", tmp_path / "letters"]
    site.all_free()
    with site.running(triage_zip, "--parallelism", 2, *files) as job:
        site.finished(job)
        assert len({one.taskmanager for one in site.rest.placements(job)}) == 2
    assert _values(read_lines(tmp_path / "out")) == expected
    assert read_lines(tmp_path / "letters") == []
