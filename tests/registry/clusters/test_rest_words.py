"""Why a job failed, in plain words: from what Flink 2.3 really told of each kind of failure.

The files in ``failures/`` are Flink's stack traces, with most frames cut out.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace_registry.clusters import JobExceptions, explain, explain_entry
from headrace_registry.clusters._rest_traces import java_chain, python_trace
from headrace_registry.clusters._rest_values import ExceptionEntry

FAILURES = Path(__file__).parent / "failures"


def told(name):
    text = (FAILURES / f"{name}.txt").read_text(encoding="utf-8")
    return explain_entry(ExceptionEntry(stacktrace=text))


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("agent", "python", ["ActionError", "'price' failed for the key 'a'", "division by zero"]),
        ("python", "python", ["ZeroDivisionError: division by zero", "orders.py:33 in price"]),
        ("python-caused", "python", ["RuntimeError: order 1 has no total", "orders.py:43"]),
        ("package-missing", "python", ["No module named 'acme_prices'"]),
        ("module-missing", "python", ["No module named 'acme_rates'"]),
        ("no-pyflink", "python missing", ["/usr/bin/python3", "No module named 'pyflink'"]),
        ("no-python", "python missing", ["/nowhere/python3", "No such file or directory"]),
        ("worker-start", "python worker", ["acme: licence file missing"]),
        ("worker-died", "python worker", ["died", "memory", "os._exit"]),
        ("worker-killed", "python worker", ["killed"]),
        ("no-slots", "slots", ["no slots"]),
        ("checkpoint-expired", "checkpoint", ["not done in its time"]),
        ("checkpoint-folder", "checkpoint", ["Failed to create directory", "/proc/nowhere"]),
        ("savepoint-mismatch", "state", ["operator 3231815a9ef331e1af0ce6ada73a94d6"]),
        ("taskmanager-killed", "taskmanager", ["10.0.0.7:36013-2fd85a", "killed"]),
        ("taskmanager-silent", "taskmanager", ["10.0.0.7:35337-d39992", "hangs"]),
        ("taskmanager-ended", "taskmanager", ["shut down"]),
        ("java-memory", "memory", ["out of heap"]),
        ("class-missing", "class", ["ExternalPythonProcessOperator"]),
        ("java", "other", ["ArithmeticException: / by zero"]),
    ],
)
def test_each_kind_of_failure_is_told_in_one_line(name, kind, words):
    failure = told(name)
    assert failure.kind == kind
    assert "\n" not in failure.summary
    for word in words:
        assert word in failure.summary


@pytest.mark.parametrize("path", sorted(FAILURES.glob("*.txt")), ids=lambda path: path.stem)
def test_no_word_of_java_machinery_is_left(path):
    summary = told(path.stem).summary
    assert "org.apache.beam" not in summary
    assert "Exception: Exception" not in summary
    assert "Caused by" not in summary


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("package-missing", "agents build"),
        ("no-pyflink", "--engine bundled"),
        ("no-slots", "--parallelism"),
        ("checkpoint-expired", "backpressure"),
        ("checkpoint-folder", "execution.checkpointing.dir"),
        ("savepoint-mismatch", "ignore-unclaimed-state"),
        ("class-missing", "--jar"),
        ("java-memory", "taskmanager.memory.task.heap.size"),
    ],
)
def test_what_to_do_is_told(name, way_out):
    assert way_out in told(name).then


def test_a_python_trace_has_the_users_own_lines_and_no_others():
    assert told("python").python_trace == (
        "Traceback (most recent call last):\n"
        '  File "/opt/jobs/orders.py", line 36, in priced\n'
        "    return price(n)\n"
        "           ^^^^^^^^\n"
        '  File "/opt/jobs/orders.py", line 33, in price\n'
        "    return 100 / (n - 50)\n"
        "           ~~~~^~~~~~~~~~\n"
        "ZeroDivisionError: division by zero"
    )


def test_causes_are_kept_in_a_python_trace():
    trace = told("python-caused").python_trace
    first, second = trace.split(
        "\n\nThe above exception was the direct cause of the following exception:\n\n"
    )
    assert first.endswith("ValueError: invalid literal for int() with base 10: 'x1'")
    assert second.endswith("RuntimeError: order 1 has no total")


def test_an_agents_trace_shows_its_code_as_the_zip_has_it_and_no_runtime():
    trace = told("agent").python_trace
    assert 'File "app/acme_agent.py", line 5, in rate' in trace
    assert "headrace/operator" not in trace
    assert "sdk_worker" not in trace


def test_what_a_worker_printed_before_it_died_is_kept():
    assert told("worker-start").printed == "starting the worker\nacme: licence file missing"


def test_a_failed_jobs_place_is_that_of_the_task_that_failed():
    entry = {
        "exceptionName": "org.apache.flink.runtime.JobException",
        "stacktrace": "org.apache.flink.runtime.JobException: Recovery is suppressed\n",
        "timestamp": 1_795_305_059_910,
        "taskName": None,
        "concurrentExceptions": [
            {
                "exceptionName": "java.lang.RuntimeException",
                "stacktrace": "java.lang.RuntimeException: boom\n",
                "timestamp": 1_795_305_059_910,
                "taskName": "Source: numbers -> prices (1/2) - execution #3",
                "endpoint": "10.0.0.7:36949",
                "taskManagerId": "10.0.0.7:36013-2fd85a",
            }
        ],
    }
    failure = explain(JobExceptions.model_validate({"entries": [entry]}))
    assert failure.task == "Source: numbers -> prices (1/2)"
    assert failure.host == "10.0.0.7:36949"
    assert failure.taskmanager == "10.0.0.7:36013-2fd85a"
    assert failure.time == pytest.approx(1_795_305_059.91)


def test_a_job_with_no_failure_has_nothing_to_explain():
    assert explain(JobExceptions()) is None


@pytest.mark.parametrize("text", ["", "\n\n", "no trace at all", "Caused by: ", "\tat a.b.C"])
def test_a_text_that_is_no_trace_is_explained_all_the_same(text):
    assert explain_entry(ExceptionEntry(stacktrace=text)).kind == "other"


def test_what_could_steer_a_terminal_is_taken_out():
    text = "java.lang.RuntimeException: \x1b[2J\x1b]0;owned\x07 done"
    entry = ExceptionEntry.model_validate({"stacktrace": text})
    assert "\x1b" not in explain_entry(entry).summary
    assert "\x07" not in explain_entry(entry).summary


def test_a_chain_is_read_from_the_outside_in():
    text = (
        "a.b.Outer: first\n\tat a.b.C.d(C.java:1)\n\tSuppressed: a.b.Beside: no\n"
        "Caused by: a.b.Inner: a.b.Inner: second\nmore\n\t... 3 more\n"
    )
    chain = java_chain(text)
    assert [(one.type, one.message) for one in chain] == [
        ("a.b.Outer", "first"),
        ("a.b.Inner", "second\nmore"),
    ]


def test_a_cause_that_is_a_bare_path_is_told_with_what_it_was_the_cause_of():
    text = (
        "a.b.CheckpointException: The savepoint failed.\n\tat a.b.C\n"
        "Caused by: java.io.IOException: java.nio.file.FileAlreadyExistsException: /data/x\n"
        "Caused by: java.nio.file.FileAlreadyExistsException: /data/x\n"
    )
    summary = explain_entry(ExceptionEntry(stacktrace=text)).summary
    assert summary == "The savepoint failed. (FileAlreadyExistsException: /data/x)"


def test_a_trace_of_machinery_alone_keeps_its_exception():
    trace = python_trace(
        "Traceback (most recent call last):\n"
        '  File "/opt/venv/lib/python3.11/site-packages/pyflink/x.py", line 1, in f\n'
        "    go()\n"
        "KeyError: 'a'\n"
    )
    assert (trace.text, trace.place, trace.type) == ("KeyError: 'a'", "", "KeyError")
