"""Samples that cannot be put aside never stop a job: they are counted, and it is said once."""

from __future__ import annotations

import logging
import threading

import pytest
from log_agents import Waiting, once

from headrace import AgentPlan, RuntimeConfig
from headrace.local import IterableSource, ListSink, LocalEngine
from headrace.samples import read_sample

COUNT = 20


@pytest.fixture
def job(monkeypatch):
    """Runs a job that puts all runs aside; gives its outputs."""

    def job(folder, **settings):
        said = {"folder": str(folder), "share": 1.0, **settings}
        monkeypatch.setattr(Waiting, "config", RuntimeConfig(samples=said))
        outputs = ListSink()
        engine = LocalEngine(AgentPlan.from_agent(Waiting()), key=once, output=outputs)
        engine.run(IterableSource([{"do": str(number)} for number in range(COUNT)]))
        return outputs.values

    return job


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.WARNING, "headrace.samples")

    def said():
        return [one.getMessage() for one in caplog.records if one.name == "headrace.samples"]

    return said


def test_where_the_folder_cannot_be_made_the_job_goes_on_and_it_is_said(job, said, tmp_path):
    (tmp_path / "file").write_text("no folder")

    assert len(job(tmp_path / "file" / "aside")) == COUNT
    assert said() == [
        "samples are lost: Not a directory",
        f"{COUNT} samples could not be put aside",
    ]


def test_on_a_full_disk_there_are_whole_samples_or_none(job, said, small_disk):
    assert len(job(small_disk)) == COUNT

    whole = [read_sample(path) for path in small_disk.rglob("*.json")]
    assert 0 < len(whole) < COUNT
    assert not [*small_disk.rglob("*.part")]
    assert said() == [
        "samples are lost: No space left on device",
        f"{COUNT - len(whole)} samples could not be put aside",
    ]


def test_a_folder_that_goes_is_made_again(job, said, tmp_path, monkeypatch):
    import shutil

    from headrace.samples._places import Places

    write, times = Places._write, []

    def removing(folder, run, sample):
        times.append(run)
        if len(times) == COUNT // 2:
            shutil.rmtree(tmp_path / "aside")
        write(folder, run, sample)

    monkeypatch.setattr(Places, "_write", staticmethod(removing))
    job(tmp_path / "aside")

    assert len([*(tmp_path / "aside").rglob("*.json")]) == COUNT // 2 + 1
    assert said() == []


def test_a_disk_that_does_not_answer_holds_up_no_run(job, said, tmp_path, monkeypatch):
    from headrace.samples import _pump
    from headrace.samples._places import Places

    answers = threading.Event()
    monkeypatch.setattr(Places, "_write", staticmethod(lambda *_: answers.wait()))
    monkeypatch.setattr(_pump, "_CLOSING", 0.05)

    assert len(job(tmp_path / "aside")) == COUNT
    answers.set()
    assert "samples are lost: they are put aside too slowly" in said()
    assert f"{COUNT} samples could not be put aside" in said()


def test_half_a_sample_of_a_killed_worker_is_no_sample_and_goes(job, tmp_path):
    import os

    place = tmp_path / "aside" / "Waiting"
    place.mkdir(parents=True)
    (place / ".r-0.77-1.part").write_text("{")
    os.utime(place / ".r-0.77-1.part", (1, 1))
    job(tmp_path / "aside")

    assert not [*place.glob(".*")]
    assert len([*place.glob("*.json")]) == COUNT


def test_a_sink_that_is_not_there_is_said_and_the_folder_is_filled(job, said, tmp_path):
    job(tmp_path / "aside", sinks=["nobody"])

    assert len([*(tmp_path / "aside").rglob("*.json")]) == COUNT
    assert len(said()) == 1
    assert "nobody" in said()[0]


def test_a_variable_that_the_worker_lacks_is_told_and_the_job_goes_on(job, caplog):
    assert len(job("$NO_SUCH_FOLDER/aside")) == COUNT
    assert "samples.folder is $NO_SUCH_FOLDER/aside" in caplog.text
