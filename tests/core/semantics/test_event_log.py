"""The event log of a job, the same on every engine."""

from __future__ import annotations

import json
import re

import log_agents
import pytest
from log_agents import LogDesk, Trying, once

from headrace import RuntimeConfig
from headrace.eventlog import FAULTS, LogRecord, LogSettings

DO = ["lamp", "action", "tool", "down", "no form"]


@pytest.fixture(scope="module")
def files(engine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log") / "made" / "by the job"
    before = LogDesk.config
    LogDesk.config = RuntimeConfig(log=LogSettings(folder=str(folder)))
    try:
        engine.run(LogDesk(), [{"do": do} for do in DO], key=once)
    finally:
        LogDesk.config = before
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def records(files):
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


@pytest.fixture
def told(records):
    """What is told of a key: (kind, what, name) of each record."""

    def told(key, *kinds):
        return [
            (one["kind"], one["what"], one["name"])
            for one in records
            if one.get("key") == key and (not kinds or one["kind"] in kinds)
        ]

    return told


def test_each_subtask_has_a_file_whose_name_tells_job_task_and_attempt(files):
    [name] = [file.name for file in files]
    assert re.fullmatch(r"LogDesk\.(local|LogDesk-0)\.a0\.\d{8}T\d{6}-\d+\.jsonl", name)


def test_only_its_owner_may_read_it(files):
    assert files[0].stat().st_mode & 0o777 == 0o600


def test_every_line_has_the_published_form(records):
    for record in records:
        LogRecord.model_validate(record, strict=True)


def test_the_first_line_says_whose_the_file_is(records):
    assert (records[0]["kind"], records[0]["what"]) == ("log", "opened")
    assert records[0]["data"]["job"] == "LogDesk"
    assert records[0]["data"]["attempt"] == 0


def test_a_run_is_told_from_end_to_end(told):
    assert told("lamp") == [
        ("model", "finished", "clerk"),
        ("tool", "finished", "price"),
        ("model", "finished", "clerk"),
        ("parse", "finished", "clerk"),
        ("event", "sent", "log_agents:Priced"),
        ("action", "finished", "order"),
        ("memory", "written", "short_term"),
        ("call", "finished", "log_agents:stamped"),
        ("action", "finished", "tell"),
        ("run", "finished", "LogDesk"),
    ]


def test_each_record_names_what_caused_it(records):
    own = {one["kind"]: one for one in records if one.get("key") == "lamp"}
    event = own["event"]
    handled = next(one for one in records if one.get("name") == "tell" and one["key"] == "lamp")

    assert event["cause"] == "0.0"
    assert handled["cause"] == event["id"]
    assert own["tool"]["cause"] == "0.0"


def test_what_takes_time_has_its_start_and_its_end(records):
    kinds = {"run", "action", "model", "tool", "call"}
    timed = [one for one in records if one["kind"] in kinds and one["what"] != "reused"]

    assert len(timed) > len(DO)
    assert all(one["start"] <= one["time"] for one in timed)
    assert all(abs(one["time"] - one["start"] - one["duration"]) < 1e-4 for one in timed)


def test_a_model_s_request_says_what_it_has_cost(records):
    asked = [one for one in records if one["kind"] == "model" and one["key"] == "lamp"]

    assert [one["usage"] for one in asked] == [
        {"input_tokens": 10, "output_tokens": 2, "cost": 0.5, "currency": "USD"}
    ] * 2
    assert asked[-1]["data"]["answer"] == '{"total": 4}'


def test_a_run_says_what_came_in_and_what_left(records):
    [run] = [one for one in records if one["kind"] == "run" and one["key"] == "lamp"]

    assert run["data"] == {"input": {"do": "lamp"}, "outputs": [{"key": "lamp", "price": 4}]}


def test_an_attempt_that_failed_is_told_and_that_it_is_tried_again(records):
    own = [one for one in records if one.get("key") == "action" and one["name"] == "order"]

    assert [(one["kind"], one["what"], one.get("attempt", 1)) for one in own] == [
        ("action", "failed", 1),
        ("retry", "retried", 1),
        ("action", "finished", 2),
    ]
    assert own[0]["error"] == "ValueError: not at once"


@pytest.mark.parametrize(
    ("key", "kind", "fault"),
    [
        ("action", "action", "action"),
        ("tool", "tool", "tool"),
        ("down", "model", "model"),
        ("down", "run", "model"),
        ("no form", "parse", "parse"),
        ("no form", "run", "parse"),
    ],
)
def test_a_failure_says_whose_fault_it_is(records, key, kind, fault):
    failed = [one for one in records if one.get("key") == key and "error" in one]

    assert {one["fault"] for one in failed if one["kind"] == kind} == {fault}
    assert fault in FAULTS


def test_the_ids_are_unique_within_a_run(records):
    named = [
        (one["run"], one["kind"], one.get("id"), one.get("attempt", 1), one["what"] == "reused")
        for one in records
        if "run" in one and one["kind"] != "run"
    ]
    assert len(named) == len(set(named))


class TestACallThatIsTriedAgain:
    @pytest.fixture(scope="class")
    def records(self, engine, tmp_path_factory):
        folder = tmp_path_factory.mktemp("tries")
        before = Trying.config
        Trying.config = RuntimeConfig(log=LogSettings(folder=str(folder)))
        log_agents.FAILED.clear()
        try:
            engine.run(Trying(), [{"do": "later"}, {"do": "never"}], key=once)
        finally:
            Trying.config = before
        lines = [line for file in folder.iterdir() for line in file.read_bytes().splitlines()]
        return [json.loads(line) for line in lines]

    @pytest.fixture
    def tries(self, records):
        def tries(key):
            return [one for one in records if one.get("key") == key and one["kind"] == "retry"]

        return tries

    def test_has_a_record_of_each_try_with_its_outcome(self, tries):
        def told(key):
            return [
                (one["what"], one["data"]["try"], one["data"].get("wait")) for one in tries(key)
            ]

        assert told("later") == [("failed", 1, 0.01), ("failed", 2, 0.02), ("finished", 3, None)]
        assert told("never") == [("failed", 1, 0.01), ("failed", 2, 0.02), ("failed", 3, None)]

    def test_a_try_that_failed_says_why_and_whose_fault_it_was(self, tries):
        failed = [(one["error"], one["fault"]) for one in tries("later") if "error" in one]

        assert failed == [
            ("ConnectionError: no line (1)", "action"),
            ("ConnectionError: no line (2)", "action"),
        ]

    def test_the_tries_follow_each_other_within_the_time_of_the_call(self, records, tries):
        [call] = [one for one in records if one.get("key") == "later" and one["kind"] == "call"]
        times = [when for one in tries("later") for when in (one["start"], one["time"])]

        assert {one["cause"] for one in tries("later")} == {call["id"]}
        assert times == sorted(times)
        assert call["start"] - 1e-3 <= times[0]
        assert times[-1] <= call["time"] + 1e-3

    def test_each_has_a_name_of_its_own_in_the_published_form(self, tries):
        assert len({one["id"] for one in tries("later")}) == 3
        for one in tries("later"):
            LogRecord.model_validate(one, strict=True)
