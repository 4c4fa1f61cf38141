"""A job that is one script runs in worker processes of its own, which cannot import the script."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

pytest.importorskip("pyflink")

from flink_jobs import committed

pytestmark = [pytest.mark.flink, pytest.mark.slow]

SCRIPT = Path(__file__).parents[1] / "workers" / "main_agent.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the script left, whose worker was killed once."""
    made = tmp_path_factory.mktemp("script")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(made)],
        env={**os.environ, "_python_worker_execution_mode": "process"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return made


@pytest.fixture
def outputs(folder):
    return committed(folder / "out")


def test_its_agent_runs_in_another_process(folder, outputs):
    driver = int((folder / "driver").read_text())

    assert driver not in {output["pid"] for output in outputs}


def test_its_actions_calls_and_tools_do_their_work(outputs):
    assert sorted(output["doubled"] for output in outputs) == [2 * n for n in range(30)]
    assert {output["tripled"] for output in outputs} == {3}


def test_values_of_its_classes_are_kept_though_a_worker_is_killed(folder, outputs):
    counts = defaultdict(list)
    for output in outputs:
        counts[output["key"]].append(output["count"])

    assert (folder / "killed").exists()
    assert counts == {key: list(range(1, 11)) for key in ("k0", "k1", "k2")}
