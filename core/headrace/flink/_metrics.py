"""A worker's metrics, given to Flink: through the metric group of its Python operator.

Flink's Python workers count in whole numbers, and send every metric they have with every bundle. So
numbers are given over now and then, in whole units (milliseconds, millionths of a cost), and what
a bundle has taken along is dropped before the next ones take it too.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from headrace.flink._pyflink import METRIC_GROUP, MetricCells
from headrace.metrics import HistogramCell, Metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.flink._pyflink import RuntimeContext
    from headrace.metrics import Family
    from headrace.plan import AgentPlan

__all__ = ["FlinkMetrics", "metrics_of"]

_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_WINDOW = 60.0
_SLICES = 6


class FlinkMetrics:
    """Gives the numbers of a registry to Flink.

    Args:
        metrics: The registry.
        group: The operator's metric group, of PyFlink.
        interval: Seconds between two times.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        metrics: Metrics,
        group: Any,
        interval: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.registry = metrics
        self._group = group.add_group(METRIC_GROUP)
        self._interval = interval
        self._clock = clock
        self._due = 0.0
        self._given: dict[tuple[str, tuple[str, ...]], _Number | _Spread] = {}
        self._cells = MetricCells(self._group)
        self._sent = False

    def give(self, *, at_once: bool = False) -> None:
        """Gives what has changed, where it is time; in the operator's thread, within a bundle."""
        if self._sent:
            self._sent = not self._cells.drop_sent()
        now = self._clock()
        if (now < self._due and not at_once) or not self._cells.ready():
            return
        self._due = now + self._interval
        self._give_all(now)
        self._cells.given()
        self._sent = True

    def _give_all(self, now: float) -> None:
        for family in self.registry.families():
            for values, cell in family.series():
                given = self._given.get((family.name, values))
                if given is None:
                    given = self._given[family.name, values] = self._made(family, values)
                if isinstance(given, _Spread):
                    given.give(cell, now)  # type: ignore[arg-type]  # of a histogram
                else:
                    given.give(cell.value)  # type: ignore[union-attr]  # of no histogram

    def _made(self, family: Family, values: Sequence[str]) -> _Number | _Spread:
        group = self._group
        for label, value in zip(family.labels, values, strict=True):
            group = group.add_group(label, value or "none")
        name, scale = _whole(family.name.removeprefix("headrace_"))
        if family.kind == "histogram":
            return _Spread(self._cells, group, name, scale, family.bounds)
        return _Number(self._cells, group, name, scale, family.kind)


def metrics_of(plan: AgentPlan, context: RuntimeContext) -> FlinkMetrics | None:
    """The metrics of an agent in this worker; ``None`` where its settings want none."""
    settings = plan.config.metrics
    if not settings.flink:
        return None
    metrics = Metrics(series=settings.series)
    return FlinkMetrics(metrics, context.get_metrics_group(), settings.interval)


class _Number:
    """A counter, a meter or a gauge."""

    def __init__(self, cells: MetricCells, group: Any, name: str, scale: int, kind: str) -> None:
        self._scale = scale
        self._now = 0
        self._add: Callable[[int], None] | None = None
        self._shown = False
        self._set: Callable[[int], None] | None = None
        if kind == "gauge":
            self._set = cells.gauge(group, name, lambda: self._now)
        elif kind == "meter":
            add = cells.counter(group, name)
            add_rate = cells.meter(group, f"{name.removesuffix('_total')}_per_second")

            def mark(count: int) -> None:
                add(count)
                add_rate(count)

            self._add = mark
        else:
            self._add = cells.counter(group, name)

    def give(self, value: float) -> None:
        if math.isnan(value):
            return
        now = round(value * self._scale)
        if self._add is not None and now != self._now:
            self._add(now - self._now)
        elif self._set is not None and (now != self._now or not self._shown):
            self._set(now)
        self._now = now
        self._shown = True


class _Spread:
    """A histogram: how many values, their sum, and quantiles of the last minute."""

    def __init__(
        self, cells: MetricCells, group: Any, name: str, scale: int, bounds: Sequence[float]
    ) -> None:
        self._count = _Number(cells, group, f"{name}_count", 1, "counter")
        self._sum = _Number(cells, group, f"{name}_sum", scale, "counter")
        self._quantiles = {
            part: _Number(cells, group, f"{name}_{shown}", scale, "gauge")
            for shown, part in _QUANTILES.items()
        }
        self._bounds = bounds
        self._before: deque[tuple[float, list[int]]] = deque(maxlen=_SLICES + 1)

    def give(self, cell: HistogramCell, now: float) -> None:
        counts = list(cell.counts)
        self._count.give(sum(counts))
        self._sum.give(cell.sum)
        if not self._before or now - self._before[-1][0] >= _WINDOW / _SLICES:
            self._before.append((now, counts))
        since = self._before[0][1]
        recent = [one - before for one, before in zip(counts, since, strict=True)]
        if not any(recent):
            recent = counts
        for part, number in self._quantiles.items():
            number.give(quantile(recent, self._bounds, part))


def quantile(counts: Sequence[int], bounds: Sequence[float], part: float) -> float:
    """About which value lies so far up, as the buckets tell it: even within a bucket."""
    wanted = part * sum(counts)
    low = 0.0
    for count, bound in zip(counts, bounds, strict=False):
        if count and wanted <= count:
            return low + (bound - low) * wanted / count
        wanted -= count
        low = bound
    return low


def _whole(name: str) -> tuple[str, int]:
    """The name and the scale that whole numbers suit."""
    for ending, scale, told in (
        ("_seconds", 1000, "_ms"),
        ("_cost", 1_000_000, "_cost_millionths"),
    ):
        for total in ("_total", ""):
            if name.endswith(f"{ending}{total}"):
                return f"{name.removesuffix(ending + total)}{told}{total}", scale
    return name, 1
