"""Recordings of runs: what each run was given, what it called, what came of it, a line for each.

``agents run --record FILE`` and ``run_local(..., record=FILE)`` write one; ``headrace.replaying``
runs it again. A recording holds what agents saw and said: whoever reads it reads that.

Each line is a JSON object: ``check`` (a digest of the rest, against accidents: it is no signature),
``format``, and either ``plan`` (the agent that the runs below it are of) or ``run``
(``RunRecord``).
"""

from headrace.recording._format import (
    FORMAT,
    CallRecord,
    Changed,
    ErrorRecord,
    RecordingError,
    RunRecord,
)
from headrace.recording._notes import Notes
from headrace.recording._plain import answer_of, plain, usage_of
from headrace.recording._reading import Recorded, read_recording
from headrace.recording._writing import Recorder

__all__ = [
    "FORMAT",
    "CallRecord",
    "Changed",
    "ErrorRecord",
    "Notes",
    "Recorded",
    "Recorder",
    "RecordingError",
    "RunRecord",
    "answer_of",
    "plain",
    "read_recording",
    "usage_of",
]
