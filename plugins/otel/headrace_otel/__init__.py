"""OpenTelemetry for headrace: a trace of each run, with the GenAI semantic conventions.

The SDK is imported where a job has traces, in the event log's own process, and not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.plugins import hookimpl

if TYPE_CHECKING:
    from headrace.eventlog import RecordSink, SinkOpening

__all__ = ["OpenTelemetry"]


class OpenTelemetry:
    """Makes traces of the event log's records."""

    @hookimpl
    def headrace_record_sink(self, opening: SinkOpening) -> RecordSink:
        """Gives a sink that makes traces and exports them as the ``OTEL_*`` variables say."""
        from headrace_otel._export import open_traces

        return open_traces(opening)
