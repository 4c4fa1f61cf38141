"""The main job from its zip: two TaskManagers, and the same outputs as on the local engine."""

from __future__ import annotations

import json

import pytest

from .conftest import read_lines

pytestmark = [pytest.mark.slow, pytest.mark.flink]


def _values(lines):
    """Outputs as values that can be sorted: an engine may write a mapping's fields in any order."""
    return sorted(json.dumps(json.loads(line), sort_keys=True) for line in lines)


def test_its_outputs_are_those_of_the_local_engine(site, kit, triage_zip, tmp_path):
    project = kit.folder / "triage"
    logs = project / "data/flink-logs.jsonl"
    kit.agents("run", ".", "--output", tmp_path / "local.jsonl", "--quiet", cwd=project)
    expected = _values((tmp_path / "local.jsonl").read_text().splitlines())
    assert {json.loads(one)["cluster"] for one in expected} > {"orders"}

    files = ["--input", logs, "--output", tmp_path / "out", "--dead-letters", tmp_path / "letters"]
    with site.running(triage_zip, "--parallelism", 2, *files) as job:
        site.finished(job)
    assert _values(read_lines(tmp_path / "out")) == expected
    assert read_lines(tmp_path / "letters") == []
