"""Which runs have a trace, where traces are all that the event log is for."""

from __future__ import annotations

import asyncio

import pytest
from log_agents import Waiting

from headrace import (
    DEAD_LETTER,
    Agent,
    AgentPlan,
    Context,
    InputEvent,
    OutputEvent,
    RuntimeConfig,
    action,
    run_local,
)
from headrace.eventlog import EventLog, LogSettings, TraceSettings
from headrace.eventlog._choosing import Choice
from headrace.eventlog._levels import Levels
from headrace.eventlog._opening import open_log
from headrace.local import _engine
from headrace.samples.settings import SampleSettings

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
KEYS = [f"sk{number}" for number in range(100)]


def chosen(share, keys=KEYS, numbers=range(1000)):
    choice = Choice(share, "traceparent")
    return {(key, number) for key in keys for number in numbers if choice(key, number, {})}


@pytest.mark.parametrize("share", [0.01, 0.3, 0.999])
def test_the_share_is_kept_over_all_keys(share):
    assert len(chosen(share)) == pytest.approx(share * 100_000, rel=0.05)


def test_it_is_kept_within_a_key_that_has_many_runs():
    assert len(chosen(0.01, ["sk"], range(100_000))) == pytest.approx(1000, rel=0.05)


def test_it_is_kept_over_keys_that_have_one_run_each():
    keys = [f"sk{number}" for number in range(100_000)]

    assert len(chosen(0.01, keys, [0])) == pytest.approx(1000, rel=0.15)


@pytest.mark.parametrize(("share", "count"), [(0, 0), (1, 100_000)])
def test_none_is_none_and_all_are_all(share, count):
    assert len(chosen(share)) == count


def test_a_larger_share_has_those_of_a_smaller_one():
    assert chosen(0.01) < chosen(0.02)


@pytest.mark.parametrize(("flags", "told"), [("01", True), ("00", False), ("03", True)])
def test_a_trace_that_came_with_the_input_decides_by_its_flag(flags, told):
    value = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-{flags}"}

    assert [Choice(share, "traceparent")("sk", 1, value) for share in (0, 1)] == [told, told]


class Kept:
    """A log that keeps what it is given, of the runs whose inputs are even."""

    parent = None
    lost = 0
    packed = staticmethod(EventLog.packed)

    def __init__(self):
        self.levels = Levels("standard", ())
        self.take, self.taken = self._take, []

    def _take(self, parcel):
        self.taken.append(parcel)

    def choose(self, _key_id, _sequence, value):
        return value["n"] % 2 == 0

    def close(self):
        pass


@pytest.fixture
def log(monkeypatch):
    kept = Kept()
    monkeypatch.setattr(_engine, "open_log", lambda *_, **__: kept)
    return kept


async def do(_path):
    """An effect."""


class Asking(Agent):
    """Waits, calls a function and asks for an effect."""

    config = RuntimeConfig(failure=DEAD_LETTER)

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        await ctx.call(do, "called")
        await asyncio.sleep(0)
        ctx.after_commit(do, "held")
        if event.input["n"] < 2:
            ctx.send(OutputEvent(output=event.input))
        else:
            raise ValueError("no")


@pytest.mark.parametrize("numbers", [[0, 1], [2, 3]], ids=["finished", "failed"])
def test_nothing_is_told_of_a_run_that_is_not_chosen_nor_of_its_effects(log, numbers):
    inputs = [{"n": number, "k": f"k{number}"} for number in numbers]
    run_local(Asking(), inputs, key=lambda value: value["k"])

    assert {parcel[1] for parcel in log.taken} == {f"sk{numbers[0]}"}
    assert len(log.taken) >= 2


class TestWhere:
    """It is chosen in the job's process only where nobody else is told of any run."""

    @pytest.fixture
    def choice(self):
        def choice(file=None, samples=None, sample=0.01, **log):
            plan = AgentPlan.from_agent(Waiting())
            config = plan.config.model_copy(
                update={
                    "log": LogSettings(**log),
                    "traces": TraceSettings(export="otel", sample=sample),
                    "samples": samples or SampleSettings(),
                }
            )
            opened = open_log(plan.model_copy(update={"config": config}), file=file)
            opened.close()
            return opened.choose

        return choice

    def test_with_traces_alone(self, choice):
        assert choice() is not None

    def test_not_where_all_runs_have_one(self, choice):
        assert choice(sample=1.0) is None

    def test_not_where_the_exporter_s_variables_choose(self, choice):
        assert choice(sample=None) is None

    def test_not_with_files(self, choice, tmp_path):
        assert choice(folder=str(tmp_path)) is None
        assert choice(file=tmp_path / "events.jsonl") is None

    def test_not_with_the_logger_or_another_sink(self, choice):
        assert choice(logger=True) is None
        assert choice(sinks=("other",)) is None

    def test_not_with_samples(self, choice, tmp_path):
        assert choice(samples=SampleSettings(folder=str(tmp_path))) is None
