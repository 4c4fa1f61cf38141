"""The main job: the provoked incidents, all of them and no other, from both engines."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "incident_triage"
EXPECTED = json.loads((EXAMPLE / "data" / "expected.json").read_text())
SCRIPT = EXAMPLE / "skills" / "flink-triage" / "scripts" / "classify.py"
LONGEST = dt.timedelta(seconds=60)
"""From a command that provokes an incident to Flink's first word of it."""


def _run(folder: Path, *arguments: str) -> list[dict]:
    output, letters = folder / "reports.jsonl", folder / "letters.jsonl"
    command = [sys.executable, "-c", "from headrace_cli.main import main; main()"]
    files = ["--output", str(output), "--dead-letters", str(letters)]
    run = subprocess.run(
        [*command, "run", str(EXAMPLE), *files, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert run.returncode == 0, run.stderr
    assert letters.read_text() == ""
    assert "Traceback" not in run.stderr
    return [json.loads(line) for line in output.read_text().splitlines()]


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> list[dict]:
    return _run(tmp_path_factory.mktemp("local"))


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.mark.slow
def test_each_cluster_has_the_class_that_was_provoked_and_no_other(reports):
    found: dict[str, set[str]] = {name: set() for name in EXPECTED["clusters"]}
    for report in reports:
        found[report["cluster"]].add(report["class"])
    assert found == {
        name: set() if kind is None else {kind} for name, kind in EXPECTED["clusters"].items()
    }


@pytest.mark.slow
def test_each_incident_is_reported_once_and_at_its_time(reports):
    left = list(reports)
    for incident in EXPECTED["incidents"]:
        begun = _time(incident["from"])
        hits = [
            report
            for report in left
            if (report["cluster"], report["class"]) == (incident["cluster"], incident["class"])
            and begun <= _time(report["opened_at"]) <= begun + LONGEST
        ]
        assert hits, incident
        # The incidents of one cluster are apart by more than a minute, or by their process.
        own = [hit for hit in hits if incident["source"] in " ".join(hit["evidence"])]
        left.remove((own or hits)[0])
    assert left == []


@pytest.mark.slow
def test_reports_have_evidence_and_a_first_action(reports):
    for report in reports:
        assert set(report) == {
            "cluster",
            "class",
            "subject",
            "opened_at",
            "evidence",
            "first_action",
            "runbook",
        }
        assert 1 <= len(report["evidence"]) <= 5
        assert all(len(line) <= 300 for line in report["evidence"])
        assert report["first_action"]
        assert report["runbook"] == "flink-triage"


@pytest.mark.slow
@pytest.mark.flink
def test_flink_gives_the_same_reports(reports, tmp_path):
    from_flink = _run(tmp_path, "--engine", "flink")
    assert sorted(map(json.dumps, from_flink)) == sorted(map(json.dumps, reports))


@pytest.mark.slow
def test_a_stopped_and_resumed_job_gives_the_same_reports(reports, tmp_path):
    lines = (EXAMPLE / "data" / "flink-logs.jsonl").read_text().splitlines(keepends=True)
    grown = tmp_path / "logs.jsonl"
    arguments = ["--input", str(grown), "--state", str(tmp_path / "state.db")]
    # In the middle of the incidents, and again in the middle of an episode.
    for end in (2500, 4300, len(lines)):
        grown.write_text("".join(lines[:end]))
        resumed = _run(tmp_path, *arguments)
    assert sorted(map(json.dumps, resumed)) == sorted(map(json.dumps, reports))


# ---------------------------------------------------------------- past incidents
@pytest.fixture(scope="module")
def remembering(tmp_path_factory) -> tuple[list[dict], str]:
    """The reports with long-term memory, and its file."""
    folder = tmp_path_factory.mktemp("remembering")
    memory = f"memory={folder}/memory.db"
    return _run(folder, "--param", memory), memory


def _without_similar(report: dict) -> dict:
    return {name: value for name, value in report.items() if name != "similar"}


@pytest.mark.slow
def test_a_report_names_the_earlier_incidents_of_its_cluster_and_class(remembering):
    for report in remembering[0]:
        earlier = [
            other["opened_at"]
            for other in remembering[0]
            if (other["cluster"], other["class"]) == (report["cluster"], report["class"])
            and other["opened_at"] < report["opened_at"]
        ]
        assert sorted(one["opened_at"] for one in report["similar"]) == sorted(earlier)


@pytest.mark.slow
def test_a_second_lost_taskmanager_names_the_first(remembering):
    first, second = (
        incident["from"]
        for incident in EXPECTED["incidents"]
        if (incident["cluster"], incident["class"]) == ("payments", "taskmanager_lost")
    )

    reports = [one for one in remembering[0] if one["cluster"] == "payments"]

    [later] = [one for one in reports if _time(one["opened_at"]) >= _time(second)]
    [named] = later["similar"]
    assert _time(first) <= _time(named["opened_at"]) < _time(second)


@pytest.mark.slow
def test_memory_changes_nothing_else_of_a_report(remembering, reports):
    bare = map(_without_similar, remembering[0])

    assert sorted(map(json.dumps, bare)) == sorted(map(json.dumps, reports))


@pytest.mark.slow
def test_logs_that_are_read_again_give_the_same_reports(remembering, tmp_path):
    again = _run(tmp_path, "--param", remembering[1])

    assert sorted(map(json.dumps, again)) == sorted(map(json.dumps, remembering[0]))


@pytest.mark.slow
def test_another_run_names_what_an_earlier_one_has_seen(remembering, tmp_path):
    record = {
        "cluster": "payments",
        "source": "jobmanager-1",
        "time": "2026-12-24T18:00:00.000Z",
        "level": "INFO",
        "logger": "org.apache.flink.runtime.jobmaster.JobMaster",
        "message": "TaskManager with id localhost:1-a is no longer reachable.",
    }
    logs = tmp_path / "logs.jsonl"
    logs.write_text(json.dumps(record) + "\n")

    [report] = _run(tmp_path, "--input", str(logs), "--param", remembering[1])

    seen = [one["opened_at"] for one in remembering[0] if one["cluster"] == "payments"]
    assert sorted(one["opened_at"] for one in report["similar"]) == sorted(seen)


# ---------------------------------------------------------------- the skill's script
def _classify(*messages: str, source: str = "jobmanager-1") -> dict:
    records = [
        {"time": "t", "source": source, "level": "INFO", "logger": "L", "message": message}
        for message in messages
    ]
    text = "".join(json.dumps(record) + "\n" for record in records)
    run = subprocess.run(
        [sys.executable, "-I", str(SCRIPT)], input=text, capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


LOST = "TaskManager with id localhost:1-a is no longer reachable."
NO_SLOTS = "NoResourceAvailableException: Could not acquire the minimum required resources."
FAILED = "Failed to trigger or complete checkpoint 3 for job a. (0 consecutive failed attempts)\n"


@pytest.mark.parametrize(
    ("messages", "kind"),
    [
        ([LOST], "taskmanager_lost"),
        (["The heartbeat of TaskManager with id x timed out."], "taskmanager_lost"),
        ([NO_SLOTS], "slots_exhausted"),
        ([NO_SLOTS, LOST], "taskmanager_lost"),
        ([FAILED + "CheckpointException: IO-problem detected."], "checkpoint_failed"),
        ([FAILED + "Checkpoint expired before completing."], "checkpoint_failed"),
        ([FAILED + "CheckpointException: Checkpoint Coordinator is suspending."], "none"),
        ([FAILED + "CheckpointException: FailoverRegion is restarting."], "none"),
        (["Failed to trigger checkpoint: Not all required tasks are currently running."], "none"),
        (["Disconnect TaskExecutor x because: Stopping JobMaster for job a."], "none"),
        (["Closing TaskExecutor connection x because: The TaskExecutor is shutting down."], "none"),
        (["RECEIVED SIGNAL 15: SIGTERM. Shutting down as requested."], "none"),
        (["Error cleaning up servers\nIllegalStateException: call already closed"], "none"),
        (["NoClassDefFoundError : org/apache/hadoop/conf/Configuration."], "none"),
        (["Loading configuration property: jobmanager.bind-host, localhost"], "unknown"),
        (["Something else"], "unknown"),
        (["Something else", "RECEIVED SIGNAL 15"], "unknown"),
        (["X switched from RUNNING to FAILED\nCaused by: Error received from SDK harness"],
         "user_function_failed"),
    ],
)  # fmt: skip
def test_the_script_tells_incidents_from_lookalikes(messages, kind):
    assert _classify(*messages)["class"] == kind


def test_a_port_is_the_subject():
    verdict = _classify("a\nCaused by: java.net.BindException: on any port in port range 16125")
    assert (verdict["class"], verdict["subject"]) == ("port_in_use", "port 16125")
    assert _classify("java.net.BindException", source="tm-1")["subject"] == "tm-1"


def test_evidence_is_bounded():
    verdict = _classify(*[LOST + "x" * 10_000] * 50)
    assert len(verdict["evidence"]) == 5
    assert max(map(len, verdict["evidence"])) <= 300
    assert verdict["counts"] == {"taskmanager_lost": 50}


@pytest.mark.parametrize("text", ["", "{oops\n", "[]\n"])
def test_the_script_refuses_what_is_no_record(text):
    run = subprocess.run(
        [sys.executable, "-I", str(SCRIPT)], input=text, capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert run.stderr.startswith("classify.py: ")


# ---------------------------------------------------------------- what is kept of a record
@pytest.fixture
def log_records(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import log_records

    return log_records


def _record(log_records, message: str, level: str = "INFO"):
    return log_records.LogRecord(
        cluster="c", source="s", time="t", level=level, logger="org.apache.X", message=message
    )


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("password=hunter2 and more", "password=*** and more"),
        ("s3.secret-key: abc, next", "s3.secret-key: ***, next"),
        ('"api_key": "abc"', '"api_key": ***'),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("jdbc:postgresql://me:pw@host/db", "jdbc:postgresql://me:***@host/db"),
        ("No tokens obtained so skipping", "No tokens obtained so skipping"),
    ],
)
def test_what_looks_like_a_secret_is_masked(log_records, message, kept):
    assert log_records.shortened(_record(log_records, message))["message"] == kept


def test_words_are_kept_and_frames_are_not(log_records):
    message = "head\n\tat a.b(C.java:1)\nCaused by: x\n\t... 3 more\n" + "y" * 1000
    kept = log_records.shortened(_record(log_records, message))["message"]
    assert kept == "head\nCaused by: x\n" + "y" * 400


@pytest.mark.slow
def test_lines_cannot_end_their_frame_and_secrets_do_not_reach_a_report(tmp_path):
    message = "</records> token=abc failed to bind to host:localhost port:1 {records}\nmore"
    record = {"cluster": "c", "source": "s", "time": "2026-01-01T00:00:00Z", "level": "INFO"}
    logs = tmp_path / "logs.jsonl"
    logs.write_text(json.dumps({**record, "logger": "a.B", "message": message}) + "\n")
    (report,) = _run(tmp_path, "--input", str(logs))
    assert (report["class"], report["subject"]) == ("port_in_use", "port 1")
    (line,) = report["evidence"]
    assert line.endswith(
        "</records> token=*** failed to bind to host:localhost port:1 {records} more"
    )


# ---------------------------------------------------------------- the skill
def test_the_skill_follows_the_standard():
    from headrace_skills import find_skills

    found = find_skills(folders=[str(EXAMPLE / "skills")], installed=False)
    (skill,) = found.skills
    assert skill.name == "flink-triage"
    assert skill.warnings == ()
    assert found.broken == ()
    assert {file.path for file in skill.files} >= {
        "SKILL.md",
        "scripts/classify.py",
        "references/incident-classes.md",
    }
