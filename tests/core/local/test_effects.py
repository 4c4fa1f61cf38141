"""Effects over stops, faults and other versions of the code on the local engine."""

from __future__ import annotations

import logging
import sqlite3

import pytest
import stopped_agents
from stopped_agents import DONE, ENGINES, Choosy, Stopped

from headrace import AgentPlan, JobFailedError
from headrace.errors import StateError
from headrace.local import InputError, IterableSource, ListSink, LocalEngine, _sqlite, run_local


@pytest.fixture(autouse=True)
def nothing_done():
    DONE.clear()
    yield
    ENGINES.clear()


@pytest.fixture
def job(tmp_path):
    """Runs a job on one state file; each call goes on where the last one was stopped."""

    def run(effect="do", inputs=(), *, state="state.db", **more):
        letters = ListSink()
        engine = LocalEngine(
            AgentPlan.from_agent(Stopped(effect=effect)),
            key=lambda _: "k",
            state=None if state is None else tmp_path / state,
            dead_letters=letters,
            stop_after=0.2,
            **more,
        )
        ENGINES.append(engine)
        engine.run(IterableSource(inputs))
        return engine.result, letters.values

    return run


def test_a_stopped_job_leaves_its_effects_to_the_next_one(job):
    result, _ = job("fail_and_stop", ["a"])
    assert (DONE, result.effects, result.effects_left) == (["a tried"], 0, 2)

    result, _ = job("fail_and_stop")

    assert result.effects_left == 2
    assert DONE == ["a tried", "a tried"]


def test_tries_are_counted_over_restarts(job):
    for _ in range(3):
        _, letters = job("fail_and_stop", ["a"] if not DONE else [])

    assert [one["attempts"] for one in letters] == [3]
    assert len(letters[0]["history"]) == 3


def test_a_stop_lets_the_effect_end_that_is_being_done(job):
    result, _ = job("stop_and_end", ["a"])

    assert (DONE, result.effects, result.effects_left) == (["a"], 1, 1)


def test_an_effect_that_does_not_end_in_time_is_done_by_the_next_job(job, monkeypatch):
    job("stop_and_hang", ["a"])
    monkeypatch.setattr(stopped_agents, "stop_and_hang", again := _named("stop_and_hang"))
    result, _ = job("stop_and_hang")

    assert (DONE, again.seen, result.effects) == (["a begun", "behind"], ["a"], 2)


def _named(name):
    """Another version of a function."""

    async def function(value):
        function.seen.append(value)

    function.seen = []
    function.__qualname__ = name
    function.__module__ = stopped_agents.__name__
    return function


def test_effects_are_lost_without_a_state_file_and_the_log_says_so(job, caplog):
    with caplog.at_level(logging.WARNING, "headrace.outbox"):
        result, _ = job("stop_and_hang", ["a"], state=None)

    assert result.effects_left == 2
    assert "2 effects were not done, and are lost: the job has no state file" in caplog.text


def test_an_effect_whose_function_is_gone_in_the_next_version_is_a_dead_letter(job, monkeypatch):
    job("stop_and_hang", ["a"])
    monkeypatch.delattr(stopped_agents, "stop_and_hang")
    result, letters = job()

    assert "the module stopped_agents has no stop_and_hang" in letters[0]["error"]
    assert (DONE, result.effects) == (["a begun", "behind"], 1)


def test_an_effect_whose_arguments_do_not_fit_the_next_version_is_a_dead_letter(job, monkeypatch):
    job("stop_and_hang", ["a"])

    async def stop_and_hang(value, currency):
        """Wants more."""

    monkeypatch.setattr(stopped_agents, "stop_and_hang", stop_and_hang)
    _, letters = job()

    assert (
        "Its arguments do not fit: missing a required argument: 'currency'" in (letters[0]["error"])
    )


def test_effects_of_runs_before_an_input_that_cannot_be_read_are_done():
    def inputs():
        yield "a"
        yield object()

    with pytest.raises(InputError):
        run_local(Stopped(), inputs(), key=lambda _: "k")

    assert DONE == ["a", "behind"]


def test_what_could_not_be_made_permanent_is_not_done(job, monkeypatch):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(_sqlite.SqliteState, "_write_effects", full)
    with pytest.raises(StateError):
        job("do", ["a"])

    assert DONE == []


def test_a_run_that_fails_the_job_asks_for_nothing_and_those_before_it_do():
    with pytest.raises(JobFailedError):
        run_local(Choosy(), ["a", "fail"], key=lambda _: "k")

    assert DONE == ["a"]
