#!/usr/bin/env python3
"""Tells which incident some log records of one Flink cluster show.

Reads JSON lines (time, source, level, logger, message) on standard input and prints one JSON
object: class, subject, evidence, first_action, counts. It needs the standard library only.

The rules are Flink's own messages; ../references/incident-classes.md says more of each.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any, NamedTuple

EVIDENCE, CHARACTERS = 5, 300


class Incident(NamedTuple):
    """A class of incidents: what shows it, and what to do first."""

    name: str
    signs: re.Pattern[str]
    first_action: str
    subject: re.Pattern[str] | None = None


# Nearest to the cause first: what stands above explains what stands below.
INCIDENTS = (
    Incident(
        "port_in_use",
        re.compile(
            r"BindException|failed to bind to host|on any port in port range|"
            r"Address already in use"
        ),
        "Find who has the port (ss -ltnp 'sport = :PORT'); stop it, or give this process another "
        "port or a range.",
        re.compile(r"port(?: range |:)\s*(\d+)"),
    ),
    Incident(
        "taskmanager_lost",
        re.compile(
            r"TaskManager with id \S+ is no longer reachable|"
            r"[Hh]eartbeat of TaskManager with id \S+ timed out|"
            r"might indicate that the remote task manager was lost"
        ),
        "Read the end of the lost TaskManager's log and the kernel's log (OOM killer); if it still "
        "runs, look for long garbage collections. Start a replacement.",
    ),
    Incident(
        "user_function_failed",
        re.compile(
            r"Error received from SDK harness|Error processing instruction \d+\. Original trace|"
            r"beam_sdk_worker_main\.py:\d+ Traceback|ExceptionInChainedOperatorException|"
            r"Could not forward element to next operator"
        ),
        "Read the last frame of the traceback; make the function bear such a record, then restart "
        "the job from its last checkpoint.",
    ),
    Incident(
        "checkpoint_failed",
        re.compile(
            r"Failed to trigger or complete checkpoint|"
            r"Exceeded checkpoint tolerable failure threshold|IO-problem detected"
        ),
        "Check that execution.checkpointing.dir exists, is a folder, has room, and can be written "
        "by JobManager and TaskManagers.",
    ),
    Incident(
        "slots_exhausted",
        re.compile(
            r"NoResourceAvailableException|Could not acquire the minimum required resources|"
            r"Could not fulfill resource requirements of job|Slot request bulk is not fulfillable"
        ),
        "Compare the job's parallelism with the free slots; add TaskManagers, lower the "
        "parallelism, or cancel what holds the slots.",
    ),
)

LOOKALIKES = re.compile(
    # The job's own state aborts a checkpoint: nothing is wrong with checkpoints.
    r"Checkpoint Coordinator is (?:suspending|shutdown)|FailoverRegion is restarting|"
    r"Not all required tasks are currently running|The job has failed\.|Task has (?:failed|"
    r"finished)|"
    # Ends that somebody asked for.
    r"because: Stopping JobMaster|The TaskExecutor is shutting down|RECEIVED SIGNAL 15|"
    # Noise of a clean-up, of an absent Hadoop, of a client's vain request.
    r"Error cleaning up servers|call already closed|"
    r"NoClassDefFoundError ?: org/apache/hadoop/|Exception occurred in REST handler"
)

UNKNOWN = "Read references/incident-classes.md; if nothing there fits, hand it to a person."


def classify(records: list[dict[str, Any]]) -> dict[str, Any]:
    """The verdict on some records."""
    counts: dict[str, int] = {}
    shown: dict[str, list[tuple[dict[str, Any], str]]] = {}
    for record in records:
        name, line = judge(str(record.get("message", "")))
        counts[name] = counts.get(name, 0) + 1
        shown.setdefault(name, []).append((record, line))
    for incident in INCIDENTS:
        if incident.name in shown:
            found = shown[incident.name]
            return {
                "class": incident.name,
                "subject": subject_of(incident, found),
                "evidence": [quoted(record, line) for record, line in found[:EVIDENCE]],
                "first_action": incident.first_action,
                "counts": counts,
            }
    rest = shown.get("unknown", [])
    return {
        "class": "unknown" if rest else "none",
        "subject": None,
        "evidence": [quoted(record, line) for record, line in rest[:EVIDENCE]],
        "first_action": UNKNOWN if rest else "Nothing: these are known lookalikes.",
        "counts": counts,
    }


def judge(message: str) -> tuple[str, str]:
    """The class that one message speaks for, and the line of it that does."""
    lines = [line for line in message.splitlines() if line.strip()] or [""]
    if LOOKALIKES.search(message):
        return "none", lines[0]
    for incident in INCIDENTS:
        for line in lines:
            if incident.signs.search(line):
                return incident.name, line + reason_of(line, lines)
    return "unknown", lines[0]


def reason_of(line: str, lines: list[str]) -> str:
    """What a message says further on of why it was logged."""
    if "Traceback" in line or "traceback" in line:
        return f" ... {lines[-1].strip()}"
    return f" {lines[1].strip()}" if line is lines[0] and len(lines) > 1 else ""


def subject_of(incident: Incident, found: list[tuple[dict[str, Any], str]]) -> str | None:
    """What the newest of the records is about, where the class has a subject."""
    if incident.subject is None:
        return None
    for record, line in reversed(found):
        match = incident.subject.search(line)
        if match:
            return f"port {match[1]}"
        if record.get("source"):
            return str(record["source"])
    return None


def quoted(record: dict[str, Any], line: str) -> str:
    """One line of evidence."""
    head = f"{record.get('time', '?')} {record.get('source', '?')} {record.get('logger', '?')}: "
    text = head + " ".join(line.split())
    return text if len(text) <= CHARACTERS else text[: CHARACTERS - 3] + "..."


def read(lines: list[str]) -> list[dict[str, Any]]:
    """The records.

    Raises:
        ValueError: A line is no JSON object; the text names it.
    """
    records = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number} is not JSON: {error}") from None
        if not isinstance(record, dict):
            raise ValueError(f"line {number} is no JSON object")  # noqa: TRY004 - bad data
        records.append(record)
    if not records:
        raise ValueError("no records on standard input")
    return records


def main() -> int:
    """Reads, classifies, prints."""
    try:
        records = read(sys.stdin.read().splitlines())
    except ValueError as error:
        print(f"classify.py: {error}", file=sys.stderr)
        return 2
    print(json.dumps(classify(records), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
