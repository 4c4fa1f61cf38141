"""`agents jobs`: a cluster's jobs, looked at and ended.

First on a cluster; then what is printed of answers that a cluster gives seldom.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from headrace_registry.clusters import FlinkRest

from ..clusters import wait_until  # noqa: TID252 - tests are no package
from ..registry.clusters.answering import answering  # noqa: TID252
from ..registry.clusters.running import Jobs  # noqa: TID252

JOB = "5a8a4290e558a92894c6910819969e84"
OTHER = "9be9dea2dc7ac64172d1ada03423b940"
VERTEX = "cbc357ccb763df2852fee8c4fc7d55f2"
OVERVIEW = {"taskmanagers": 1, "slots-total": 2, "slots-available": 1, "flink-version": "2.3.0"}
TRACE = (
    "org.apache.flink.runtime.JobException: Recovery is suppressed by X\n\tat a.B.c(B.java:1)\n"
    "Caused by: java.lang.RuntimeException: Error received from SDK harness for instruction 1: "
    "Traceback (most recent call last):\n"
    '  File "/tmp/tm_a/python-dist-6f1c/python-archives/job/app/orders.py", line 7, in price\n'
    "    return 100 / items\nZeroDivisionError: division by zero\n\n\tat a.B.c(B.java:1)\n"
)


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    monkeypatch.delenv("HEADRACE_CLUSTER", raising=False)
    monkeypatch.delenv("HEADRACE_FLINK_TOKEN", raising=False)


# ---------------------------------------------------------------- on a cluster
@pytest.fixture(scope="module")
def rest(cluster):
    with FlinkRest(cluster.address) as found:
        yield found


@pytest.fixture(scope="module")
def submitted(cluster):
    found = Jobs(cluster.address)
    yield found
    found.close()


@pytest.fixture
def steady(submitted, rest):
    """A job that runs and has checkpoints: its id and name."""
    with submitted.running(rest, "steady") as job:
        wait_until(lambda: rest.checkpoints(job).latest.completed, "a checkpoint is completed")
        wait_until(lambda: rest.job(job).state == "RUNNING", "it is shown as running")
        yield job, submitted.names[job]


@pytest.mark.slow
@pytest.mark.flink
def test_a_job_is_listed_shown_kept_and_stopped(place, cluster, rest, steady, tmp_path):
    job, name = steady

    def run(command, *more):
        return place.run("jobs", command, *more, "--cluster", cluster.address)

    listed = json.loads(run("list", "--json", "--running").stdout)
    assert listed["cluster"]["slots"] == 4
    assert (job, name, "RUNNING") in [(x["id"], x["name"], x["state"]) for x in listed["jobs"]]
    assert job[:8] in run("list").stdout

    shown = json.loads(run("show", name, "--json").stdout)
    assert (shown["id"], shown["state"], shown["restarts"]) == (job, "RUNNING", 0)
    assert shown["last_checkpoint"]["bytes"] > 0
    assert [x["parallelism"] for x in shown["vertices"]] == [1]
    text = run("show", job[:8]).stdout
    assert "RUNNING" in text
    assert "checkpoint" in text

    assert "nothing went wrong" in run("exceptions", name).stdout
    logs = run("logs", name, "--tail", 0, "--python").stdout.splitlines()
    assert any("PythonWorker" in line for line in logs)
    assert len(run("logs", name, "--tail", 3).stdout.splitlines()) == 3

    kept = run("savepoint", name, tmp_path.as_uri(), "--json")
    assert Path(urlsplit(json.loads(kept.stdout)["savepoint"]).path, "_metadata").is_file()
    assert rest.state(job) == "RUNNING"

    stopped = run("stop", name, "--savepoint", tmp_path.as_uri(), "--yes")
    assert stopped.exit_code == 0, stopped.output
    assert Path(urlsplit(stopped.stdout.strip()).path, "_metadata").is_file()
    assert rest.state(job) == "FINISHED"
    again = run("stop", job, "--yes")
    assert (again.exit_code, "is over: FINISHED" in again.stderr) == (1, True)


@pytest.mark.slow
@pytest.mark.flink
def test_cancel_ends_a_job_and_says_so(place, cluster, rest, steady):
    job, name = steady
    asked = ["--cluster", cluster.address]
    assert place.run("jobs", "cancel", name, *asked).exit_code == 2  # nobody can be asked
    assert place.run("jobs", "cancel", name, "--dry-run", *asked).exit_code == 0
    assert rest.state(job) == "RUNNING"
    result = place.run("jobs", "cancel", name, "--yes", *asked)
    assert result.stdout == f"{name} ({job[:8]}): CANCELED\n"
    assert rest.state(job) == "CANCELED"


@pytest.mark.slow
@pytest.mark.flink
def test_logs_are_followed_until_the_job_is_over(place, cluster, rest, steady):
    job, name = steady
    process = place.start(
        "jobs", "logs", name, "-f", "--tail", 1, "--cluster", cluster.address, stdout=-1
    )
    assert process.stdout.readline()
    rest.cancel(job)
    rest_of_it, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert "CANCELED" in rest_of_it


# ---------------------------------------------------------------- what is printed
@pytest.fixture
def answers():
    with answering() as found:
        now = int(time.time() * 1000)
        jobs = [
            {
                "jid": JOB,
                "name": "orders",
                "state": "RUNNING",
                "start-time": now - 90_000,
                "end-time": -1,
                "duration": 90_000,
                "tasks": {"running": 2, "total": 2},
            },
            {
                "jid": OTHER,
                "name": "old",
                "state": "FAILED",
                "start-time": now - 200_000,
                "end-time": now - 100_000,
                "duration": 100_000,
                "tasks": {"running": 0, "total": 2},
            },
        ]
        vertex = {
            "id": VERTEX,
            "name": "Source: numbers -> price",
            "parallelism": 2,
            "status": "RUNNING",
            "tasks": {"RUNNING": 2, "FAILED": 0},
        }
        completed = {
            "id": 7,
            "status": "COMPLETED",
            "is_savepoint": False,
            "trigger_timestamp": now - 5_300,
            "latest_ack_timestamp": now - 5_000,
            "end_to_end_duration": 300,
            "state_size": 3 * 1024 * 1024,
            "external_path": "file:/data/chk-7",
        }
        entry = {"exceptionName": "a.B", "stacktrace": TRACE, "timestamp": now - 60_000}
        placed = {**entry, "taskName": "price (1/2) - execution #0", "endpoint": "10.0.0.7:41"}
        found.say("/overview", OVERVIEW)
        found.say("/jobs/overview", {"jobs": jobs})
        found.say(f"/jobs/{JOB}/status", {"status": "RUNNING"})
        found.say(
            f"/jobs/{JOB}",
            {
                "jid": JOB,
                "name": "orders",
                "state": "RUNNING",
                "start-time": now - 90_000,
                "end-time": -1,
                "now": now,
                "timestamps": {"RUNNING": now - 60_000},
                "vertices": [vertex],
            },
        )
        found.say(
            f"/jobs/{JOB}/checkpoints",
            {"counts": {"completed": 7, "failed": 1}, "latest": {"completed": completed}},
        )
        found.say(f"/jobs/{JOB}/metrics", [{"id": "numRestarts", "value": "1"}])
        found.say(
            f"/jobs/{JOB}/config", {"execution-config": {"user-config": {"headrace.job": "o1"}}}
        )
        found.say(f"/jobs/{JOB}/vertices/{VERTEX}/backpressure", {"backpressureLevel": "high"})
        entries = [{**entry, "concurrentExceptions": [placed]}]
        found.say(
            f"/jobs/{JOB}/exceptions",
            {"exceptionHistory": {"entries": entries, "truncated": False}},
        )
        yield found


@pytest.fixture
def jobs(place, answers):
    def run(*arguments, **more):
        return place.run("jobs", *arguments, "--cluster", answers.address, **more)

    return run


def test_the_list_has_the_newest_first_and_enough_of_the_id(jobs):
    lines = jobs("list").stdout.splitlines()
    assert lines[0].split() == ["ID", "STATE", "STARTED", "DURATION", "TASKS", "NAME"]
    assert [line.split()[0] for line in lines[1:]] == [JOB[:8], OTHER[:8]]
    assert "1 min 30 s" in lines[1]
    assert "2/2" in lines[1]


def test_the_list_can_leave_out_what_is_over(jobs):
    assert OTHER[:8] not in jobs("list", "--running").stdout


def test_show_has_what_one_wants_to_know_first(jobs):
    text = jobs("show", "orders").stdout
    for words in (
        "state:        RUNNING for 1 min 0 s",
        "restarts:     1",
        "7 completed, 1 failed",
        "checkpoint 7, 5.0 s old, 3.0 MiB, took 300 ms",
        "headrace.job: o1",
        "Source: numbers -> price",
        "high",
        "ZeroDivisionError: division by zero (app/orders.py:7 in price)",
    ):
        assert words in text


def test_exceptions_are_told_in_the_jobs_own_lines(jobs):
    text = jobs("exceptions", "orders").stdout
    assert "ZeroDivisionError: division by zero" in text
    assert "where: price (1/2) on 10.0.0.7:41" in text
    assert "return 100 / items" in text
    assert "JobException" not in text


def test_the_whole_trace_is_told_where_it_is_wanted(jobs):
    assert TRACE.rstrip() in jobs("exceptions", "orders", "--full").stdout
    (told,) = json.loads(jobs("exceptions", "orders", "--full", "--json").stdout)["exceptions"]
    assert told["stacktrace"] == TRACE
    assert told["kind"] == "python"


def test_logs_of_several_taskmanagers_say_whose_they_are(jobs, answers):
    subtasks = [
        {"subtask": number, "status": "RUNNING", "taskmanager-id": name}
        for number, name in enumerate(("tm-a", "tm-b", "tm-gone"))
    ]
    answers.say(f"/jobs/{JOB}/vertices/{VERTEX}", {"subtasks": subtasks})
    answers.say("/taskmanagers/tm-a/log", b"one\ntwo\n", kind="text/plain")
    answers.say("/taskmanagers/tm-b/log", b"three\n", kind="text/plain")
    answers.refuse("/taskmanagers/tm-gone/log", "a.B: Could not find TaskExecutor", status=404)
    result = jobs("logs", "orders", "--tail", 1)
    assert result.stdout == "[tm-a] two\n[tm-b] three\n"
    assert "tm-gone is gone" in result.stderr
    told = jobs("logs", "--taskmanager", "tm-b", "--json").stdout
    assert json.loads(told) == {"taskmanager": "tm-b", "line": "three"}


def test_a_job_that_has_no_place_yet_has_no_logs(jobs, answers):
    subtasks = [{"subtask": 0, "status": "SCHEDULED", "taskmanager-id": "(unassigned)"}]
    answers.say(f"/jobs/{JOB}/vertices/{VERTEX}", {"subtasks": subtasks})
    result = jobs("logs", "orders")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no TaskManager has run it yet" in result.stderr


def test_a_log_needs_to_know_whose(jobs):
    assert jobs("logs").exit_code == 2
    assert jobs("logs", "orders", "--taskmanager", "a").exit_code == 2


def test_a_job_that_is_not_there_is_told_with_those_that_are(jobs):
    result = jobs("show", "ordres")
    assert result.exit_code == 1
    assert "there is no job 'ordres'" in result.stderr
    assert JOB[:12] in result.stderr


def test_a_dry_run_changes_nothing(jobs, answers):
    for command in ("cancel", "stop", "savepoint"):
        result = jobs(command, "orders", "--dry-run")
        assert (result.exit_code, "would" in result.stdout) == (0, True)
    assert {one[0] for one in answers.asked} == {"GET"}


def test_a_job_that_is_over_is_not_ended_again(jobs, answers):
    for command in ("cancel", "stop", "savepoint"):
        result = jobs(command, "old")
        assert (result.exit_code, "is over: FAILED" in result.stderr) == (1, True)
    assert {one[0] for one in answers.asked} == {"GET"}


def test_the_cluster_may_be_named_by_the_environment(place, answers, monkeypatch):
    monkeypatch.setenv("HEADRACE_CLUSTER", answers.address)
    assert JOB[:8] in place.run("jobs", "list").stdout


def test_a_cluster_that_is_not_there_is_an_error_in_words(place):
    result = place.run("jobs", "list", "--cluster", "127.0.0.1:1")
    assert result.exit_code == 1
    assert "the cluster does not answer" in result.stderr
    assert "Traceback" not in result.stderr
