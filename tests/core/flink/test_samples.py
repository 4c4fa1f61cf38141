"""Samples of a job on Flink: by several subtasks into one folder, and over a restart."""

from __future__ import annotations

import pytest

pytest.importorskip("pyflink")

from flink_jobs import Job
from log_agents import Waiting, once
from recovery_agents import Recovering, last_checkpoint

from headrace import RuntimeConfig
from headrace.samples import read_sample

pytestmark = [pytest.mark.flink, pytest.mark.slow, pytest.mark.usefixtures("java")]


def by_key(value):
    return value["key"]


class Sampled(Recovering):
    """Fails its job once, after a call whose outcome a checkpoint has."""


def test_a_run_before_and_one_after_a_restart_have_one_sample_each(tmp_path, monkeypatch):
    said = {"folder": str(tmp_path / "aside"), "share": 1.0}
    monkeypatch.setattr(Sampled, "config", RuntimeConfig(samples=said))
    job = Job(tmp_path)
    job.feed("early", [{"key": "early", "n": 0, "do": "call"}])
    client = job.start(
        Sampled(folder=str(tmp_path)),
        key=by_key,
        options={
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": "1",
            "restart-strategy.fixed-delay.delay": "10ms",
        },
    )
    job.await_outputs(lambda found: len(found) == 1)  # so its checkpoint is complete
    job.feed("later", [{"key": "failing", "n": 0, "do": "fail"}])
    job.await_outputs(lambda found: len(found) == 2)
    assert last_checkpoint(tmp_path) > 0
    client.cancel().result()

    found = [read_sample(path) for path in (tmp_path / "aside" / "Sampled").glob("*.json")]
    assert sorted(one.key for one in found) == ["early", "failing"]
    [again] = [one for one in found if one.key == "failing"]
    assert [one["what"] for one in again.records if one["kind"] == "call"] == ["reused"]


def test_several_subtasks_write_into_one_folder(tmp_path, monkeypatch):
    do = [f"n{number}" for number in range(40)]
    said = {"folder": str(tmp_path / "aside"), "share": 1.0}
    monkeypatch.setattr(Waiting, "config", RuntimeConfig(samples=said))
    job = Job(tmp_path)
    job.feed("in", [{"do": one} for one in do])
    client = job.start(Waiting(), key=once, parallelism=2)
    job.await_outputs(lambda found: len(found) == len(do))
    client.cancel().result()

    found = [read_sample(path) for path in (tmp_path / "aside" / "Waiting").iterdir()]
    assert sorted(one.input["do"] for one in found) == sorted(do)
