"""Metrics: counters, gauges, histograms and meters, of the runtime and of authors.

The operator feeds one registry (``Metrics``) for each worker; an engine shows it: the local one as
an endpoint in Prometheus' text format, Flink's through its own metric groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace.metrics._endpoint import Endpoint
    from headrace.metrics._export import MetricsSink, open_export
    from headrace.metrics._own import ActionMetrics, Counter, Gauge, Histogram, Measured, Meter
    from headrace.metrics._runtime import RuntimeMetrics
    from headrace.metrics._series import BUCKETS, Family, HistogramCell, Metrics
    from headrace.metrics._settings import MetricsSettings
    from headrace.metrics._table import TABLE, MetricSpec
    from headrace.metrics._text import CONTENT_TYPE, as_text

__all__ = [
    "BUCKETS",
    "CONTENT_TYPE",
    "TABLE",
    "ActionMetrics",
    "Counter",
    "Endpoint",
    "Family",
    "Gauge",
    "Histogram",
    "HistogramCell",
    "Measured",
    "Meter",
    "MetricSpec",
    "Metrics",
    "MetricsSettings",
    "MetricsSink",
    "RuntimeMetrics",
    "as_text",
    "open_export",
]

__getattr__ = lazily(
    __name__,
    {
        "_endpoint": ("Endpoint",),
        "_export": ("MetricsSink", "open_export"),
        "_own": ("ActionMetrics", "Counter", "Gauge", "Histogram", "Measured", "Meter"),
        "_runtime": ("RuntimeMetrics",),
        "_series": ("BUCKETS", "Family", "HistogramCell", "Metrics"),
        "_settings": ("MetricsSettings",),
        "_table": ("TABLE", "MetricSpec"),
        "_text": ("CONTENT_TYPE", "as_text"),
    },
)
