"""OpenTelemetry for headrace: a trace of each run, and metrics, with the GenAI conventions.

The SDK is imported where a job exports something: for traces in the event log's own process, for
metrics in the worker's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.plugins import hookimpl

if TYPE_CHECKING:
    from headrace.eventlog import RecordSink, SinkOpening
    from headrace.metrics import Metrics, MetricsSink

__all__ = ["OpenTelemetry"]


class OpenTelemetry:
    """Makes traces of the event log's records, and exports the runtime's metrics."""

    @hookimpl
    def headrace_record_sink(self, opening: SinkOpening) -> RecordSink:
        """Gives a sink that makes traces and exports them as the ``OTEL_*`` variables say."""
        from headrace_otel._export import open_traces

        return open_traces(opening)

    @hookimpl
    def headrace_metrics_sink(self, metrics: Metrics, opening: SinkOpening) -> MetricsSink:
        """Exports a worker's metrics, as the same variables say."""
        from headrace_otel._metrics import MetricsExport

        return MetricsExport(metrics, opening)
