"""Samples of a job, and verdicts that come back to it, the same on every engine."""

from __future__ import annotations

import pytest
from log_agents import LogDesk, once
from sample_agents import Listener

from headrace import RuntimeConfig
from headrace.samples import FedVerdict, read_sample

DO = ["lamp", "action", "down", "table"]


@pytest.fixture(scope="module")
def samples(engine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("aside")
    before = LogDesk.config
    LogDesk.config = RuntimeConfig(samples={"folder": str(folder / "made"), "share": 1.0})
    try:
        engine.run(LogDesk(), [{"do": do} for do in DO], key=once)
    finally:
        LogDesk.config = before
    return {one.key: one for one in map(read_sample, (folder / "made" / "LogDesk").iterdir())}


def test_each_run_that_gave_an_output_has_a_sample(samples):
    assert samples.keys() == {"lamp", "action", "table"}


def test_a_sample_says_what_came_in_what_left_and_what_was_called(samples):
    sample = samples["lamp"]

    assert sample.input == {"do": "lamp"}
    assert sample.outputs == [{"key": "lamp", "price": 4}]
    assert [one["kind"] for one in sample.records] == ["model", "tool", "model", "parse", "call"]


def test_a_verdict_is_an_event_of_the_key_that_was_judged(engine):
    told = FedVerdict(
        sample="r-0", verdict="bad", by="ann", note="too dear", labels=("price",), time=2.0,
        job="Listener", agent="Listener", key_id="slamp", sampled=1.0, input={"do": "lamp"},
        outputs=["4"],
    )  # fmt: skip
    found = engine.run(Listener(), [{"do": "lamp"}, told.as_input(), {"do": "lamp"}], key=once)

    assert found.outputs == [
        "lamp has 0 complaints",
        "lamp: bad, says ann: too dear (price) of {'do': 'lamp'} -> ['4']",
        "lamp has 1 complaints",
    ]


def test_a_verdict_that_no_action_waits_for_changes_nothing(engine):
    told = FedVerdict(
        sample="r-0", verdict="good", by="ann", time=2.0, job="LogDesk", agent="LogDesk",
        key_id="slamp", sampled=1.0,
    )  # fmt: skip

    assert engine.run(LogDesk(), [told.as_input()], key=once).outputs == []
