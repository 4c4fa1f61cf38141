"""Which runs have a trace, and what happens where the collector does not take what there is."""

from __future__ import annotations

import pytest
from log_agents import Silent
from otel_agents import Keeper

RUNS = [{"do": str(number)} for number in range(200)]
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def said(caplog):
    """What the job warned of."""
    return lambda: [one.getMessage() for one in caplog.records if one.name == "headrace.log"]


# ---------------------------------------------------------------- sampling
def test_a_share_of_the_runs_has_a_trace_and_those_are_whole(run, collector):
    run(Silent(), *RUNS, sample=0.2)

    assert 20 <= len(collector.traces) <= 65  # 40 of 200, and beyond that once in 10,000 times
    assert all(
        sorted(one.name for one in spans) == ["action go", "invoke_agent Silent"]
        for spans in collector.traces.values()
    )


def test_the_same_runs_are_chosen_each_time_and_more_of_them_with_a_larger_share(run, collector):
    run(Silent(), *RUNS, sample=0.1)
    few = set(collector.traces)
    run(Silent(), *RUNS, sample=0.1)
    assert set(collector.traces) == few

    run(Silent(), *RUNS, sample=0.5)
    assert few < set(collector.traces)


def test_with_a_share_of_nothing_nothing_is_sent(run, collector):
    run(Silent(), *RUNS, sample=0)

    assert collector.headers == []


@pytest.mark.parametrize(("flags", "count"), [("01", 2), ("00", 0)])
def test_a_caller_s_trace_is_sampled_as_the_caller_did(run, collector, flags, count):
    run(Silent(), {"do": "x", "traceparent": f"00-{TRACE}-{CALLER}-{flags}"}, sample=0.0)

    assert len(collector.spans) == count


def test_where_no_setting_says_the_sdk_s_variables_choose_the_sampler(run, collector, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    run(Silent(), {"do": "x"})

    assert collector.spans == []


def test_all_records_are_in_the_log_whatever_share_has_a_trace(run, collector, tmp_path):
    run(Silent(), *RUNS, sample=0.0, log={"folder": str(tmp_path / "log")})
    [file] = (tmp_path / "log").iterdir()

    assert file.read_text().count("\n") == 1 + 2 * len(RUNS)


# ---------------------------------------------------------------- collectors in trouble
def test_where_nobody_listens_the_job_goes_on_and_says_what_is_lost(
    run, collector, said, monkeypatch, unused_port
):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{unused_port}")

    assert run(Keeper(), "pears") == ["there are five"]
    assert any("spans were not exported" in one for one in said())


def test_one_that_refuses_is_told_of_with_its_status(run, collector, said):
    collector.status = 401
    run(Silent(), {"do": "x"})

    told = " ".join(said())
    assert "401" in told
    assert "2 of 2 spans were not exported" in told


def test_one_that_never_answers_holds_the_end_up_for_a_bounded_time_and_nothing_else(
    run, collector, said
):
    collector.held.clear()

    assert run(Keeper(), "pears") == ["there are five"]
    assert any("7 of 7 spans were not exported" in one for one in said())


def test_what_waits_for_it_is_bounded_and_what_is_dropped_is_counted(
    run, collector, said, monkeypatch
):
    collector.held.clear()
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "64")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "32")
    run(Silent(), *RUNS)

    told = " ".join(said())
    assert "400 of 400 spans were not exported" in told
    assert "ueue" in told  # the SDK's own warning that it is full


def test_one_that_comes_back_is_given_what_there_is(run, collector, said):
    collector.busy = 1
    run(Silent(), {"do": "x"})

    assert sorted(one.name for one in collector.spans) == ["action go", "invoke_agent Silent"]
    assert not any("spans were not exported" in one for one in said())


def test_no_secret_of_the_address_or_the_headers_is_said(run, collector, said, monkeypatch):
    address = collector.url.replace("//", "//me:hunter-two@")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=swordfish-1")
    collector.status = 401
    run(Silent(), {"do": "x"})

    assert said()
    assert "hunter-two" not in " ".join(said())
    assert "swordfish-1" not in " ".join(said())


def test_a_setting_that_the_sdk_cannot_read_is_told_of_and_the_job_goes_on(
    run, collector, said, monkeypatch
):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "zebra")

    assert run(Keeper(), "pears") == ["there are five"]
    assert any("otel" in one and "zebra" in one for one in said())


def test_an_exporter_that_is_not_installed_is_told_of(run, said):
    assert run(Keeper(), "pears", export="nobody") == ["there are five"]
    assert any("nobody" in one for one in said())
