"""Why a part of a cluster is gone, as its log and its output tell."""

from __future__ import annotations

import pytest

from headrace_registry.clusters import ClusterProcess
from headrace_registry.clusters._local_causes import cause_of, last_lines

ENTRY = "2026-01-02 03:04:05,678 ERROR org.apache.flink.runtime.entrypoint.ClusterEntrypoint [] - "
RUNNER = (
    "2026-01-02 03:04:05,678 ERROR org.apache.flink.runtime.taskexecutor.TaskManagerRunner [] - "
)
INFO = "2026-01-02 03:04:05,678 INFO  org.apache.flink.runtime.taskexecutor.TaskExecutor [] - "


@pytest.fixture
def part(tmp_path):
    """Makes a part that left a log and an output."""

    def make(log="", out=""):
        path = tmp_path / "taskmanager-1-abcd.log"
        if log:
            path.write_text(log)
        path.with_suffix(".out").write_text(out)
        return ClusterProcess("taskmanager", 1, "taskmanager-1-abcd", 1, 1, "", str(path))

    return make


def test_a_taken_port(part):
    cause = cause_of(
        part(
            f"{ENTRY}Could not start cluster entrypoint StandaloneSessionClusterEntrypoint.\n"
            "org.apache.flink.runtime.entrypoint.ClusterEntrypointException: Failed to initialize\n"
            "Caused by: java.net.BindException: Could not start rest endpoint on any port in port "
            "range 8081\n"
        )
    )
    assert cause.port_taken
    assert "a port that it needs is taken" in cause.why
    assert "--port" in cause.then


def test_a_wrong_setting_is_quoted(part):
    cause = cause_of(
        part(
            f"{ENTRY}Could not start cluster entrypoint.\n"
            "Caused by: java.lang.Exception: Could not parse value 'x' for key 'y'.\n"
        )
    )
    assert cause.why == "a setting is wrong: Could not parse value 'x' for key 'y'."


def test_no_memory_left_in_the_process(part):
    cause = cause_of(
        part(
            f"{RUNNER}Fatal error occurred while executing the TaskManager.\n"
            "java.lang.OutOfMemoryError: Metaspace\n"
        )
    )
    assert cause.why == "it ran out of its memory (Metaspace)"
    assert "--memory" in cause.then


def test_what_java_prints_before_there_is_a_log(part):
    cause = cause_of(part(out="Unrecognized VM option 'NoSuch'\nError: Could not create the JVM\n"))
    assert "Unrecognized VM option 'NoSuch'" in cause.why


def test_a_machine_without_memory(part):
    text = "OpenJDK 64-Bit Server VM warning: INFO: error='Cannot allocate memory' (errno=12)\n"
    assert "machine has too little memory" in cause_of(part(out=text)).why


def test_an_error_that_nobody_knows_is_told_by_its_root(part):
    cause = cause_of(
        part(
            f"{RUNNER}Terminating TaskManagerRunner with exit code 1.\n"
            "java.lang.Exception: Failed to start\n\tat a.B.c(B.java:1)\n"
            "Caused by: java.io.IOException: middle\n"
            "Caused by: java.lang.IllegalStateException: the root\n"
        )
    )
    assert cause.why == "java.lang.IllegalStateException: the root"


def test_one_that_was_told_to_end(part):
    log = f"{INFO}Up.\n{INFO}RECEIVED SIGNAL 15: SIGTERM. Shutting down as requested.\n"
    assert cause_of(part(log)).why == "it was told to end (SIGTERM)"


def test_what_jobs_failed_with_before_is_not_why_a_killed_one_ended(part):
    log = (
        f"{INFO}map (1/1) switched from RUNNING to FAILED.\n"
        "java.lang.RuntimeException: boom\nCaused by: java.net.BindException: of a job\n"
        f"{INFO}Up.\n"
    )
    assert "it was killed" in cause_of(part(log)).why


def test_no_control_character_of_a_log_reaches_a_terminal(part):
    (line,) = last_lines(part("first\n\x1b[31mred\n"), 1)
    assert line == "[31mred"


def test_the_end_of_the_log_is_what_was_last(part):
    assert last_lines(part("1\n2\n\n3\n"), 2) == ["2", "3"]


def test_without_a_log_the_output_is_shown(part):
    assert last_lines(part(out="only this\n")) == ["only this"]
