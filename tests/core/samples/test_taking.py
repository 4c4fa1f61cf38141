"""Which runs are put aside, what their samples hold, and how many stay."""

from __future__ import annotations

import json
import os

import pytest
from log_agents import LogDesk, Silent, Waiting, once

from headrace import AgentPlan, RuntimeConfig
from headrace.eventlog import LogSettings
from headrace.local import IterableSource, ListSink, LocalEngine
from headrace.samples import read_sample

MANY = 400


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Runs a job that puts runs aside; gives their samples, by the input's ``do``."""

    def job(do, agent=Waiting, *, state=None, log=None, stopped_by=None, **settings):
        said = {"folder": str(tmp_path / "aside"), "share": 1.0, **settings}
        config = RuntimeConfig(samples=said, log=log or LogSettings())
        monkeypatch.setattr(agent, "config", config)
        plan = AgentPlan.from_agent(agent())
        engine = LocalEngine(plan, key=once, state=state, output=ListSink(), stop_after=0.1)
        if stopped_by is not None:
            stopped_by.append(engine.stop)
        engine.run(IterableSource([{"do": one} for one in do]))
        return samples(tmp_path)

    return job


def samples(tmp_path):
    found = [read_sample(path) for path in (tmp_path / "aside").rglob("*.json")]
    return {one.input["do"]: one for one in found}


def numbers(count=MANY):
    return [f"n{number}" for number in range(count)]


def test_a_share_is_put_aside(job):
    found = job(numbers(), share=0.25)

    assert 0.15 * MANY < len(found) < 0.35 * MANY


def test_the_same_runs_are_drawn_whenever_they_run(job, tmp_path):
    first = job(numbers(), share=0.25).keys()
    for path in (tmp_path / "aside").rglob("*.json"):
        path.unlink()

    assert job(numbers(), share=0.25).keys() == first


def test_a_run_that_is_run_again_has_one_sample(job, tmp_path):
    job(["lamp"])
    [before] = (tmp_path / "aside" / "Waiting").iterdir()
    job(["lamp"])

    assert [*(tmp_path / "aside" / "Waiting").iterdir()] == [before]


def test_equal_inputs_are_two_runs_and_two_samples(job, tmp_path):
    job(["lamp", "lamp"])

    assert len([*(tmp_path / "aside" / "Waiting").iterdir()]) == 2


def test_an_input_that_comes_again_later_is_a_run_of_its_own(job, tmp_path):
    for _ in range(2):
        job(["lamp"], state=tmp_path / "state.db")

    assert len([*(tmp_path / "aside" / "Waiting").iterdir()]) == 2


def test_a_run_that_a_stopped_job_left_is_put_aside_once_by_the_next(job, tmp_path, monkeypatch):
    held = []
    monkeypatch.setattr("log_agents.HOLD", held)
    assert job(["lamp"], state=tmp_path / "state.db", stopped_by=held) == {}
    held.clear()

    [sample] = job([], state=tmp_path / "state.db").values()
    assert [one["what"] for one in sample.records] == ["reused"]


def test_runs_that_give_nothing_or_fail_are_not_put_aside(job):
    assert job(["lamp"], Silent) == {}
    assert job(["down", "lamp"], LogDesk).keys() == {"lamp"}


def test_a_sample_holds_what_came_in_what_left_and_the_calls_between(job):
    sample = job(["lamp"], LogDesk)["lamp"]

    assert sample.input == {"do": "lamp"}
    assert sample.outputs == [{"key": "lamp", "price": 4}]
    assert [(one["kind"], one["what"], one.get("name")) for one in sample.records] == [
        ("model", "finished", "clerk"),
        ("tool", "finished", "price"),
        ("model", "finished", "clerk"),
        ("parse", "finished", "clerk"),
        ("call", "finished", "log_agents:stamped"),
    ]
    assert sample.usage == {"input_tokens": 20, "output_tokens": 4, "cost": 1.0}
    assert (sample.agent, sample.job, sample.key, sample.key_id, sample.models) == (
        "LogDesk", "LogDesk", "lamp", "slamp", ("clerk",),
    )  # fmt: skip
    assert "headrace-core" in sample.versions


def test_beside_an_event_log_a_sample_has_all_that_the_log_has(job, tmp_path):
    log = LogSettings(folder=str(tmp_path / "log"))
    sample = job(["lamp"], LogDesk, log=log)["lamp"]
    [file] = (tmp_path / "log").iterdir()
    told = [json.loads(line) for line in file.read_bytes().splitlines()]
    own = [one for one in told if one.get("run") == sample.id and one["kind"] != "run"]

    assert [one["id"] for one in sample.records] == [one["id"] for one in own]
    assert {"action", "event", "memory"} < {one["kind"] for one in sample.records}


def test_beside_a_log_that_tells_all_a_sample_is_no_different(job, tmp_path):
    log = LogSettings(folder=str(tmp_path / "log"), level="verbose")
    sample = job(["lamp"], LogDesk, log=log)["lamp"]

    assert sample.outputs == [{"key": "lamp", "price": 4}]
    assert "started" in {one["what"] for one in sample.records}


@pytest.mark.parametrize("off", [{"model", "run"}, {"memory"}, {"action", "memory"}])
def test_what_the_event_log_leaves_out_stays_out_of_it_beside_samples(job, tmp_path, off):
    levels = tuple(f"{kind}=off" for kind in off)
    log = LogSettings(folder=str(tmp_path / "log"), levels=levels)
    job(["lamp"], LogDesk, log=log)
    [file] = (tmp_path / "log").iterdir()
    kinds = {json.loads(line)["kind"] for line in file.read_bytes().splitlines()}

    assert (
        kinds == {"log", "event", "action", "call", "model", "tool", "parse", "memory", "run"} - off
    )


def test_only_its_owner_may_read_a_sample(job, tmp_path):
    job(["lamp"])

    [file] = (tmp_path / "aside").rglob("*.json")
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_condition_says_which_runs_may_be_put_aside(job):
    condition = "outputs[0].price > 4 && input.do.startsWith('b') && agent == 'LogDesk'"

    assert job(["lamp", "bench", "big"], LogDesk, when=condition).keys() == {"bench"}


def test_a_condition_that_cannot_be_answered_is_said_once_and_the_job_goes_on(job, caplog):
    assert job(["lamp", "lamps"], when="input.sum > 1") == {}

    said = [one.getMessage() for one in caplog.records if one.name == "headrace.samples"]
    assert len(said) == 1
    assert "'input.sum > 1' cannot be answered" in said[0]


def test_a_condition_may_look_through_lists(job):
    found = job(["lamp", "bench"], LogDesk, when="outputs.exists(one, int(one.price) > 4)")

    assert found.keys() == {"bench"}


def test_an_agent_may_have_a_share_of_its_own(job):
    assert job(["lamp"], share=1.0, shares=["Waiting=0", "Other=1"]) == {}
    assert job(["lamp"], share=0.0, shares=["Waiting=1"]).keys() == {"lamp"}


@pytest.mark.parametrize("cap", ["per_hour", "per_day"])
def test_a_cap_holds_also_over_a_restart(job, cap):
    assert len(job(numbers(8), **{cap: 5})) == 5
    assert len(job(["later"], **{cap: 5})) == 5


def test_what_is_there_may_be_replaced_though_the_cap_is_reached(job, tmp_path):
    job(["lamp"], per_hour=1)
    [file] = (tmp_path / "aside").rglob("*.json")
    before = file.stat().st_ino
    job(["lamp"], per_hour=1)

    assert file.stat().st_ino != before


def test_the_newest_samples_are_kept(job, tmp_path):
    job(numbers(3))
    for number in range(3):
        [file] = [
            path
            for path in (tmp_path / "aside").rglob("*.json")
            if read_sample(path).input["do"] == f"n{number}"
        ]
        os.utime(file, (1_000_000 + number, 1_000_000 + number))

    assert job(["new"], keep=2).keys() == {"n2", "new"}


def test_old_samples_go(job, tmp_path):
    job(["old"])
    for path in (tmp_path / "aside").rglob("*.json"):
        os.utime(path, (1_000_000, 1_000_000))

    assert job(["new"], keep_days=1).keys() == {"new"}


def test_secrets_and_named_fields_are_left_out(job, monkeypatch):
    monkeypatch.setenv("SHOP_API_KEY", "a-rather-odd-word")
    found = job(["x a-rather-odd-word y", "Bearer abcdefghijkl"])

    outputs = [one.outputs[0] for one in found.values()]
    assert sorted(outputs) == ["Bearer [redacted]!", "x [redacted] y!"]
    assert all(one.cut["redacted"] for one in found.values())
    [named] = job(["lamp"], redact=["d?"], log=LogSettings(redact=("other",))).keys() - found.keys()
    assert named == "[redacted]"


def test_long_values_are_cut_and_that_is_counted(job):
    [sample] = job(["x" * 500], max_text=100).values()

    assert sample.outputs == ["x" * 100]
    assert sample.cut["characters"] >= 401


def test_a_sample_that_would_be_too_large_lacks_records_and_says_how_many(job):
    whole = job(["lamp"], LogDesk)["lamp"]
    cut = job(["lamp"], LogDesk, max_size=1000)["lamp"]

    assert len(cut.records) < len(whole.records)
    assert cut.cut["records"] == len(whole.records) - len(cut.records)
    assert cut.outputs == whole.outputs


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"share": 1.5}, "less than or equal to 1"),
        ({"shares": ["Desk"]}, "'Desk' is no AGENT=SHARE, such as Desk=0.05"),
        ({"shares": ["Desk=2"]}, "'2' is no share: it is a number from 0 to 1"),
        ({"when": "event.input > 1"}, "it uses event; it knows only input, outputs, key, agent"),
        ({"when": "input >"}, ""),
        ({"per_hour": 0}, "greater than or equal to 1"),
        ({"folder": "s3://bucket/aside"}, "is an address, and no folder of the worker"),
        ({"fodler": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_settings_that_are_none_are_refused(settings, why):
    with pytest.raises(ValueError, match="samples") as error:
        RuntimeConfig(samples=settings)
    assert why in str(error.value)
