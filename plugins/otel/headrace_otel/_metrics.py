"""The runtime's registry of metrics, exported as OpenTelemetry's; nothing is counted twice.

Numbers are read where they are, every ``OTEL_METRIC_EXPORT_INTERVAL`` milliseconds (60,000), and
sent as they are since the worker began (*cumulative*).
"""

from __future__ import annotations

import math
import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from headrace.metrics import HistogramCell
from headrace_otel._export import resource_of, warn_by
from headrace_otel._shapes import provider_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.eventlog import SinkOpening
    from headrace.metrics import Family, Metrics

__all__ = ["MetricsExport", "data_of"]

INTERVAL: Final = "OTEL_METRIC_EXPORT_INTERVAL"
_SINCE_START = AggregationTemporality.CUMULATIVE
_GENAI: Final = {
    "headrace_model_call_seconds": ("gen_ai.client.operation.duration", "s"),
    "headrace_model_call_tokens": ("gen_ai.client.token.usage", "{token}"),
}
"""Those that have a name in the GenAI conventions."""


class MetricsExport:
    """Exports a registry; a ``MetricsSink``.

    Args:
        metrics: The registry.
        opening: Whose it is.
    """

    def __init__(self, metrics: Metrics, opening: SinkOpening) -> None:
        warn_by(opening.say)
        self._metrics = metrics
        self._opening = opening
        self._exporter = OTLPMetricExporter()
        self._resource = resource_of(opening)
        self._began = time.time_ns()
        self._interval = float(os.environ.get(INTERVAL) or 60_000) / 1000
        self._failed = 0
        self._exporting = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="headrace-otel", daemon=True)
        self._thread.start()

    def flush(self, seconds: float) -> None:
        """Exports now."""
        thread = threading.Thread(target=self._export, daemon=True)
        thread.start()
        thread.join(seconds)

    def close(self, seconds: float) -> None:
        """Exports once more, and says how often it could not."""
        self._ended.set()
        self._thread.join(seconds)
        if self._thread.is_alive() or self._failed:
            self._opening.say("otel: the last metrics of this worker were not exported")

    def _run(self) -> None:
        while not self._ended.wait(self._interval):
            self._export()
        self._export()
        self._exporter.shutdown()

    def _export(self) -> None:
        with self._exporting:
            families = self._metrics.families()
            found = data_of(families, self._opening.models, self._began, time.time_ns())
            scope = ScopeMetrics(InstrumentationScope("headrace"), found, "")
            data = MetricsData([ResourceMetrics(self._resource, [scope], "")])
            done = self._exporter.export(data)
            self._failed = 0 if done is MetricExportResult.SUCCESS else self._failed + 1


def data_of(
    families: list[Family], models: Mapping[str, Mapping[str, str]], began: int, now: int
) -> list[Metric]:
    """Families of the registry as OpenTelemetry's metrics.

    Args:
        families: Them.
        models: Of chat models, by the name that series have, the plugin and the model asked for.
        began: When the worker began, in nanoseconds since the epoch.
        now: When it is.
    """
    return [one for one in (_metric(family, models, began, now) for family in families) if one]


def _metric(
    family: Family, models: Mapping[str, Mapping[str, str]], began: int, now: int
) -> Metric | None:
    series = [(_attributes(family, values, models), cell) for values, cell in family.series()]
    histograms = [(one, cell) for one, cell in series if isinstance(cell, HistogramCell)]
    numbers = [
        NumberDataPoint(one, began, now, cell.value)
        for one, cell in series
        if not isinstance(cell, HistogramCell) and not math.isnan(cell.value)
    ]
    name, unit = named(family)
    if histograms:
        points = [_spread(one, cell, began, now) for one, cell in histograms]
        return Metric(name, family.meaning, unit, Histogram(points, _SINCE_START))
    if not numbers:
        return None
    if family.kind == "gauge":
        return Metric(name, family.meaning, unit, Gauge(numbers))
    return Metric(name, family.meaning, unit, Sum(numbers, _SINCE_START, is_monotonic=True))


def _spread(
    attributes: dict[str, str], cell: HistogramCell, began: int, now: int
) -> HistogramDataPoint:
    counts = list(cell.counts)
    unknown: Any = None  # the registry keeps neither the least nor the most
    return HistogramDataPoint(
        attributes, began, now, sum(counts), cell.sum, counts, list(cell.bounds), unknown, unknown
    )


def named(family: Family) -> tuple[str, str]:
    """The name and the unit of a family: endings that tell of these are what Prometheus adds."""
    if family.name in _GENAI:
        return _GENAI[family.name]
    name, unit = family.name, "1"
    if name.startswith("headrace_"):
        name = f"headrace.{name.removeprefix('headrace_')}"
    if family.kind in {"counter", "meter"}:
        name = name.removesuffix("_total")
    if name.endswith("_seconds"):
        name, unit = name.removesuffix("_seconds"), "s"
    return name, unit


def _attributes(
    family: Family, values: tuple[str, ...], models: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    labels = dict(zip(family.labels, values, strict=True))
    if family.name not in _GENAI:
        return labels
    known = models.get(labels["model"], {})
    found = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider_of(known),
        "gen_ai.request.model": known.get("model") or labels["model"],
        **{f"headrace.{name}": labels[name] for name in ("agent", "action", "model")},
    }
    if "type" in labels:
        found["gen_ai.token.type"] = labels["type"]
    if labels.get("error"):
        found["error.type"] = labels["error"]
    return found
