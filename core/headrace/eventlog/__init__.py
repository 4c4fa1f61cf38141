"""The event log: what runs did, a line of JSON for each thing that happened.

::

    run_local(agent, inputs, log="logs")

What is told is a setting (the group ``log``), how a line looks is ``docs/logs.md``; ``agents logs``
reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace.eventlog._kinds import FAULTS, KINDS, fault_of, named_call
    from headrace.eventlog._levels import LEVELS, OFF, STANDARD, VERBOSE, Levels
    from headrace.eventlog._lines import VERSION
    from headrace.eventlog._log import EventLog
    from headrace.eventlog._model import LogRecord, log_schema
    from headrace.eventlog._opening import about_of, models_of, open_log
    from headrace.eventlog._sinks import RecordSink, SinkOpening
    from headrace.eventlog.settings import LogSettings, TraceSettings

_HOMES = {
    "_kinds": ("FAULTS", "KINDS", "fault_of", "named_call"),
    "_levels": ("LEVELS", "OFF", "STANDARD", "VERBOSE", "Levels"),
    "_lines": ("VERSION",),
    "_log": ("EventLog",),
    "_model": ("LogRecord", "log_schema"),
    "_opening": ("about_of", "models_of", "open_log"),
    "_sinks": ("RecordSink", "SinkOpening"),
    "settings": ("LogSettings", "TraceSettings"),
}

__all__ = [
    "FAULTS",
    "KINDS",
    "LEVELS",
    "OFF",
    "STANDARD",
    "VERBOSE",
    "VERSION",
    "EventLog",
    "Levels",
    "LogRecord",
    "LogSettings",
    "RecordSink",
    "SinkOpening",
    "TraceSettings",
    "about_of",
    "fault_of",
    "log_schema",
    "models_of",
    "named_call",
    "open_log",
]

__getattr__ = lazily(__name__, _HOMES)
