"""The registry: families of series, each a name with its labels, bounded in number.

It is written by the thread that runs the agent and read by any other. A number is read as it is;
only where a series comes into being, or all are listed, a lock is taken.
"""

from __future__ import annotations

import logging
import math
import threading
from bisect import bisect_left
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["BUCKETS", "OTHER", "Cell", "Family", "HistogramCell", "Kind", "Metrics"]

_LOG = logging.getLogger("headrace.metrics")

Kind = Literal["counter", "gauge", "histogram", "meter"]

BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""The upper bounds of a histogram's buckets where nobody says: good for seconds."""
OTHER = "other"
"""The value of all labels of the series that further ones are counted in."""
_LONGEST_LABEL = 120


class Cell:
    """The number of one series; that of a gauge may be asked for when it is read."""

    __slots__ = ("function", "number")

    def __init__(self) -> None:
        self.number = 0.0
        self.function: Callable[[], float] | None = None

    @property
    def value(self) -> float:
        """The number now; not a number where it cannot be had."""
        if self.function is None:
            return self.number
        try:
            return float(self.function())
        except Exception:  # noqa: BLE001 - what is watched may be gone
            return math.nan


class HistogramCell:
    """One series of a histogram: how many values lie in each bucket, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Takes a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def add(self, counts: Sequence[int], total: float) -> None:
        """Takes many, counted already in buckets of the same bounds."""
        for at, count in enumerate(counts):
            self.counts[at] += count
        self.sum += total


class Family:
    """All series of one name.

    Args:
        name: As it is shown.
        kind: What it is.
        labels: The names of the labels, in the order of ``cell``'s values.
        meaning: What it tells.
        bounds: Of a histogram: its buckets' upper bounds, ascending.
        limit: How many series there may be, before further ones are counted together.
        lock: Held while a series comes into being.
    """

    __slots__ = (
        "_limit",
        "_lock",
        "bounds",
        "cells",
        "folded",
        "kind",
        "labels",
        "meaning",
        "name",
    )

    def __init__(
        self,
        name: str,
        kind: Kind,
        labels: tuple[str, ...],
        meaning: str,
        bounds: tuple[float, ...],
        limit: int,
        lock: threading.Lock,
    ) -> None:
        self.name = name
        self.kind: Kind = kind
        self.labels = labels
        self.meaning = meaning
        self.bounds = bounds
        self.cells: dict[tuple[str, ...], Cell | HistogramCell] = {}
        self.folded = 0
        self._limit = limit
        self._lock = lock

    def cell(self, *values: str) -> Cell:
        """The number of the series with these values of its labels."""
        found = self.cells.get(values)
        if found is None:
            found = self._new(values)
        return found  # type: ignore[return-value]  # it is no histogram

    def buckets(self, *values: str) -> HistogramCell:
        """The same of a histogram."""
        found = self.cells.get(values)
        if found is None:
            found = self._new(values)
        return found  # type: ignore[return-value]  # it is a histogram

    def _new(self, values: tuple[str, ...]) -> Cell | HistogramCell:
        cut = tuple(value[:_LONGEST_LABEL] for value in values)
        with self._lock:
            if cut not in self.cells and len(self.cells) >= self._limit:
                self.folded += 1
                if self.folded == 1:
                    _LOG.warning(
                        "the metric %s has more than %d series: further ones are counted together, "
                        "as %r (the setting metrics.series)",
                        self.name,
                        self._limit,
                        OTHER,
                    )
                cut = (OTHER,) * len(cut)
            found = self.cells.get(cut)
            if found is None:
                found = HistogramCell(self.bounds) if self.kind == "histogram" else Cell()
                self.cells[cut] = found
        return found

    def series(self) -> list[tuple[tuple[str, ...], Cell | HistogramCell]]:
        """The series that there are, with the values of their labels."""
        with self._lock:
            return list(self.cells.items())


class Metrics:
    """The metrics of one worker.

    Args:
        series: How many series one name may have; further ones are counted together in one whose
            labels are all ``other``, and a warning says so once.
    """

    def __init__(self, *, series: int = 1000) -> None:
        self._limit = series
        self._families: dict[str, Family] = {}
        self._lock = threading.Lock()

    def family(
        self,
        name: str,
        kind: Kind,
        labels: tuple[str, ...] = (),
        meaning: str = "",
        bounds: tuple[float, ...] = BUCKETS,
    ) -> Family:
        """The family of a name, made where there is none.

        Raises:
            ValueError: There is one, and it is of another kind, or has other labels or buckets.
        """
        found = self._families.get(name)
        if found is None:
            with self._lock:
                found = self._families.setdefault(
                    name,
                    Family(name, kind, labels, meaning, bounds, self._limit, threading.Lock()),
                )
        if (found.kind, found.labels) != (kind, labels) or (
            kind == "histogram" and found.bounds != bounds
        ):
            raise ValueError(
                f"the metric {name} is a {found.kind} with the labels {list(found.labels)} already "
                f"(buckets: {list(found.bounds)})"
                if kind == "histogram"
                else f"the metric {name} is a {found.kind} with the labels {list(found.labels)} "
                "already"
            )
        return found

    def families(self) -> list[Family]:
        """All families, by name."""
        with self._lock:
            found = list(self._families.values())
        return sorted(found, key=lambda one: one.name)

    def value(self, name: str, /, **labels: str) -> float:
        """The number of the series with these labels, over all others; 0 where there is none.

        Of a histogram, how many values it has taken.
        """
        family = self._families.get(name)
        if family is None:
            return 0.0
        total = 0.0
        for values, cell in family.series():
            of = dict(zip(family.labels, values, strict=True))
            if labels.items() <= of.items():
                total += sum(cell.counts) if isinstance(cell, HistogramCell) else cell.value
        return total
