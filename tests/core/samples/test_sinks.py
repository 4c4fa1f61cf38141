"""Hook plugins that are given each sample, as one for an object store would be."""

from __future__ import annotations

import json
import sys

import pytest
from log_agents import Waiting, once

from headrace import AgentPlan, RuntimeConfig
from headrace.local import IterableSource, ListSink, LocalEngine

PLUGIN = """
import json
from headrace.plugins import hookimpl

class Sink:
    @hookimpl
    def headrace_sample(self, sample):
        if sample["input"]["do"] == "bad":
            raise ValueError("not this one")
        with open({path!r}, "a") as file:
            file.write(json.dumps(sample) + "\\n")
"""


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Runs a job with a plugin that is installed; gives what that was given."""
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(tmp_path / "cache"))
    site, path = tmp_path / "site", tmp_path / "given.jsonl"
    info = site / "sinks-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sinks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[headrace.hooks]\nmine = sample_sink:Sink\n")
    (site / "sample_sink.py").write_text(PLUGIN.format(path=str(path)))
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "sample_sink", raising=False)  # another test's

    def job(*do, **settings):
        said = {"share": 1.0, "sinks": ["mine"], **settings}
        monkeypatch.setattr(Waiting, "config", RuntimeConfig(samples=said))
        outputs = ListSink()
        engine = LocalEngine(AgentPlan.from_agent(Waiting()), key=once, output=outputs)
        engine.run(IterableSource([{"do": one} for one in do]))
        assert len(outputs.values) == len(do)
        return [json.loads(line) for line in path.read_text().splitlines()]

    return job


def test_it_is_given_each_sample_as_it_stands_in_its_file(job, tmp_path):
    [given] = job("x", folder=str(tmp_path / "aside"))
    [file] = (tmp_path / "aside").rglob("*.json")

    assert given == json.loads(file.read_text())


def test_without_a_folder_it_is_the_only_place(job):
    assert sorted(one["outputs"] for one in job("x", "y")) == [["x!"], ["y!"]]


def test_one_that_fails_harms_nothing_and_is_told_of_once(job, caplog):
    assert [one["outputs"] for one in job("bad", "x", "bad")] == [["x!"]]

    said = [one.getMessage() for one in caplog.records if one.name == "headrace.samples"]
    assert said == [
        "samples are lost: the sink sinks:mine: ValueError: not this one",
        "2 samples could not be put aside",
    ]
