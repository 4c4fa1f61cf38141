"""Following a job through what a cluster says, one answer after the other; finding jobs.

A script of answers stands for the cluster: what it says is Flink's, when it says it is the test's.
"""

from __future__ import annotations

import itertools
import json

import pytest

from headrace_registry.clusters import (
    ClusterUnreachableError,
    FlinkRest,
    FollowTimeoutError,
    JobSummary,
    NoSuchJobError,
    RejectedError,
    find_job,
    follow,
    wait_for_end,
    wait_for_savepoint,
)

from .answering import answering

JOB = "5a8a4290e558a92894c6910819969e84"
AWAY = (503, {"errors": ["Service temporarily unavailable due to an ongoing leader election."]})
GONE = (404, {"errors": [f"org.apache.flink.runtime.rest.NotFoundException: Job {JOB} not found"]})
ERROR = "java.lang.RuntimeException: Error received from SDK harness for instruction 1: {}\n"
TRACE = "Traceback (most recent call last):\n{}\n"


def at(state, **times):
    """A job as Flink tells it, with the times (ms) at which it came into states."""
    return 200, {
        "jid": JOB,
        "name": "orders",
        "state": state,
        "start-time": 1_000,
        "now": 9_000,
        "timestamps": {"FINISHED": 0, "FAILED": 0, "RESTARTING": 0, **times},
        "vertices": [],
    }


def failing(*errors):
    entries = [
        {"exceptionName": "a.B", "timestamp": when, "stacktrace": ERROR.format(TRACE.format(error))}
        for when, error in errors
    ]
    return {"exceptionHistory": {"entries": entries, "truncated": False}}


@pytest.fixture
def script():
    """Gives a cluster that says one thing after the other, the last of them for ever."""
    with answering() as answers:

        def told(*steps, exceptions=None):
            left = itertools.chain(steps, itertools.repeat(steps[-1]))

            def job():
                status, data = next(left)
                return status, {"Content-Type": "application/json"}, json.dumps(data).encode()

            answers.by_path[f"/jobs/{JOB}"] = job
            answers.say(f"/jobs/{JOB}/exceptions", exceptions or failing())
            return FlinkRest(answers.address)

        yield told


def followed(rest, **more):
    seen, failures = [], []
    with rest:
        last = follow(
            rest, JOB, on_state=seen.append, on_exception=failures.append, timeout=60, **more
        )
    return [one.state for one in seen], failures, last


def test_states_are_told_once_each_and_in_order(script):
    created, running = {"CREATED": 1_000}, {"CREATED": 1_000, "RUNNING": 2_000}
    rest = script(
        at("CREATED", **created),
        at("CREATED", **created),
        at("RUNNING", **running),
        at("RUNNING", **running),
        at("FINISHED", **{**running, "FINISHED": 3_000}),
    )
    states, _, last = followed(rest)
    assert states == ["CREATED", "RUNNING", "FINISHED"]
    assert (last.state, last.since, last.is_over) == ("FINISHED", 3.0, True)


def test_a_restart_between_two_questions_is_told_with_its_reason(script):
    rest = script(
        at("RUNNING", RUNNING=2_000),
        at("RUNNING", RUNNING=5_000, RESTARTING=4_000),
        at("FINISHED", RUNNING=5_000, RESTARTING=4_000, FINISHED=6_000),
        exceptions=failing((4_000, "ValueError: late")),
    )
    states, failures, _ = followed(rest)
    assert states == ["RUNNING", "RESTARTING", "RUNNING", "FINISHED"]
    assert [one.summary for one in failures] == ["ValueError: late"]


def test_failures_are_told_once_and_the_oldest_first(script):
    rest = script(
        at("RUNNING", RUNNING=1_000),
        at("RESTARTING", RUNNING=1_000, RESTARTING=2_000),
        at("FAILED", RUNNING=1_000, RESTARTING=2_000, FAILED=4_000),
        exceptions=failing((3_000, "ValueError: two"), (2_000, "ValueError: one")),
    )
    _, failures, last = followed(rest)
    assert [one.summary for one in failures] == ["ValueError: one", "ValueError: two"]
    assert last.why == "ValueError: two"


def test_a_jobmanager_that_comes_back_is_waited_for(script):
    running = at("RUNNING", RUNNING=1_000)
    rest = script(
        running,
        AWAY,
        AWAY,
        GONE,  # it answers, and has not recovered the job yet
        at("RUNNING", RUNNING=7_000),
        at("FINISHED", RUNNING=7_000, FINISHED=8_000),
    )
    states, _, _ = followed(rest)
    assert states == ["RUNNING", "UNREACHABLE", "RUNNING", "FINISHED"]


def test_a_jobmanager_that_stays_away_is_given_up(script):
    with pytest.raises(ClusterUnreachableError):
        followed(script(at("RUNNING", RUNNING=1_000), AWAY), away=0.5)


def test_a_job_that_the_cluster_forgot_is_given_up(script):
    with pytest.raises(NoSuchJobError):
        followed(script(at("RUNNING", RUNNING=1_000), GONE), away=0.5)


def test_a_job_that_never_was_is_not_waited_for(script):
    with pytest.raises(NoSuchJobError):
        followed(script(GONE), away=1_000)


def test_the_state_that_is_wanted_is_enough(script):
    states, _, last = followed(script(at("RUNNING", RUNNING=1_000)), until={"RUNNING"})
    assert states == ["RUNNING"]
    assert not last.is_over


def test_a_job_that_ended_otherwise_is_not_waited_for(script):
    rest = script(at("CANCELED", CANCELED=1_000))
    assert followed(rest, until={"RUNNING"})[2].state == "CANCELED"


def test_what_does_not_come_in_time_is_told(script):
    rest = script(at("RUNNING", RUNNING=1_000))
    with rest, pytest.raises(FollowTimeoutError, match=r"RUNNING after 0\.3 s"):
        follow(rest, JOB, timeout=0.3)


def test_the_end_is_waited_for_while_the_jobmanager_is_away():
    said = iter([(503, AWAY[1]), (200, {"status": "CANCELLING"}), (200, {"status": "CANCELED"})])

    def status():
        code, data = next(said)
        return code, {"Content-Type": "application/json"}, json.dumps(data).encode()

    with answering() as answers, FlinkRest(answers.address) as rest:
        answers.by_path[f"/jobs/{JOB}/status"] = status
        assert wait_for_end(rest, JOB) == "CANCELED"


# ---------------------------------------------------------------- which job is meant
def job(number, name, state="RUNNING"):
    return JobSummary(id=f"{number}" * 32, name=name, state=state, started=number)


ALL = [
    job(1, "orders"),
    job(2, "prices", "FAILED"),
    job(3, "prices"),
    job(4, "twice"),
    job(5, "twice"),
    job(6, "7777", "RUNNING"),
    job(7, "seven"),
    job(8, "old", "FINISHED"),
]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1" * 32, 1),
        ("11", 1),
        ("orders", 1),
        ("prices", 3),  # of two, the one that runs
        ("22", 2),
        ("7777", 6),  # a name of one that runs, before the beginning of an id
        ("old", 8),
    ],
)
def test_a_job_is_found(text, number):
    assert find_job(ALL, text).id == str(number) * 32


def test_ids_are_found_in_capitals_too():
    one = JobSummary(id="ab" * 16, name="n", state="RUNNING", started=1)
    assert find_job([one], "ABAB") == one


def test_of_several_all_are_named():
    with pytest.raises(NoSuchJobError) as told:
        find_job(ALL, "twice")
    assert "444444444444" in str(told.value)
    assert "555555555555" in str(told.value)


@pytest.mark.parametrize(("text", "near"), [("ord", "orders"), ("nothing", "seven"), ("", "1111")])
def test_where_none_is_meant_those_are_named_that_may_be(text, near):
    with pytest.raises(NoSuchJobError, match=near):
        find_job(ALL, text)


def test_many_are_not_all_named():
    with pytest.raises(NoSuchJobError, match="and 93 more"):
        find_job([job(1, f"job {number}") for number in range(100)], "other")


# ---------------------------------------------------------------- savepoints of what is over
@pytest.mark.parametrize(
    ("cause", "state", "error"),
    [
        ("a.b.FlinkJobNotFoundException: Could not find Flink job (x)", "CANCELED", NoSuchJobError),
        (
            "java.lang.IllegalStateException: Job x is not a streaming job.",
            "FAILED",
            NoSuchJobError,
        ),
        (
            "java.lang.IllegalStateException: Job x is not a streaming job.",
            "RUNNING",
            RejectedError,
        ),
        ("java.io.IOException: no room", "FAILED", RejectedError),
    ],
)
def test_a_job_that_ended_is_told_from_a_savepoint_that_failed(cause, state, error):
    failed = {"failure-cause": {"class": "a.B", "stack-trace": f"a.B: {cause}\nCaused by: {cause}"}}
    with answering() as answers, FlinkRest(answers.address) as rest:
        answers.say(f"/jobs/{JOB}/status", {"status": state})
        answers.say(
            f"/jobs/{JOB}/savepoints/7", {"status": {"id": "COMPLETED"}, "operation": failed}
        )
        with pytest.raises(error):
            wait_for_savepoint(rest, JOB, "7")
