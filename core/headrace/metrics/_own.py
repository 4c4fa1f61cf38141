"""The metrics of authors: what an action counts is part of what its run does.

It is kept with the action's other effects and counted when the run ends well, once: an attempt that
failed has counted nothing, a tool that a replay does not call again has counted what it did.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from headrace.metrics._series import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.values import Stored

__all__ = ["ActionMetrics", "Counter", "Gauge", "Histogram", "Measured", "Meter"]

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,99}")
_RESERVED_LABELS = frozenset({"agent", "le"})
_MOST_BUCKETS = 100

_Key = tuple[str, str, tuple[tuple[str, str], ...], tuple[float, ...]]


class Measured(dict[_Key, "list[Any]"]):
    """What was measured: by kind, name, labels and buckets.

    Of a counter or a meter ``[amount]``; of a gauge ``[set to, or None, then added]``; of a
    histogram ``[counts of its buckets, sum]``.
    """

    def join(self, other: Measured) -> None:
        """Takes what was measured after it."""
        for key, state in other.items():
            mine = self.get(key)
            if mine is None:
                self[key] = [list(one) if isinstance(one, list) else one for one in state]
            elif key[0] == "gauge":
                if state[0] is not None:
                    mine[0], mine[1] = state
                else:
                    mine[1] += state[1]
            elif key[0] == "histogram":
                mine[0] = [one + more for one, more in zip(mine[0], state[0], strict=True)]
                mine[1] += state[1]
            else:
                mine[0] += state[0]

    def stored(self) -> Stored:
        """For a journal."""
        return [
            [kind, name, [list(label) for label in labels], list(bounds), state]
            for (kind, name, labels, bounds), state in self.items()
        ]

    @classmethod
    def of(cls, stored: Stored) -> Measured:
        """What a journal holds."""
        made = cls()
        for kind, name, labels, bounds, state in stored or ():
            key = (kind, name, tuple((one, value) for one, value in labels), tuple(bounds))
            made[key] = list(state)
        return made


class _Own:
    __slots__ = ("_key", "_measured")

    def __init__(self, measured: Measured, key: _Key) -> None:
        self._measured = measured
        self._key = key


class Counter(_Own):
    """A number that only grows."""

    __slots__ = ()

    def inc(self, amount: float = 1) -> None:
        """Adds to it.

        Raises:
            ValueError: The amount is negative, or no finite number.
        """
        self._measured.setdefault(self._key, [0])[0] += _amount(amount)


class Meter(_Own):
    """Events, of which the rate is looked at."""

    __slots__ = ()

    def mark(self, count: float = 1) -> None:
        """Counts events.

        Raises:
            ValueError: The count is negative, or no finite number.
        """
        self._measured.setdefault(self._key, [0])[0] += _amount(count)


class Gauge(_Own):
    """A number that goes up and down: the last one counts."""

    __slots__ = ()

    def set(self, value: float) -> None:
        """Sets it.

        Raises:
            ValueError: It is no finite number.
        """
        self._measured[self._key] = [_finite(value), 0]

    def inc(self, amount: float = 1) -> None:
        """Adds to it.

        Raises:
            ValueError: As ``set``.
        """
        self._measured.setdefault(self._key, [None, 0])[1] += _finite(amount)

    def dec(self, amount: float = 1) -> None:
        """Takes away from it.

        Raises:
            ValueError: As ``set``.
        """
        self.inc(-amount)


class Histogram(_Own):
    """Values, and how many of them lie below which bounds."""

    __slots__ = ()

    def observe(self, value: float) -> None:
        """Takes a value.

        Raises:
            ValueError: It is no finite number.
        """
        value, bounds = _finite(value), self._key[3]
        state = self._measured.get(self._key)
        if state is None:
            state = self._measured[self._key] = [[0] * (len(bounds) + 1), 0]
        state[0][bisect_left(bounds, value)] += 1
        state[1] += value


class ActionMetrics:
    """The metrics of an action: ``ctx.metrics``.

    Names and those of labels are letters, digits and ``_``; values of labels are texts, numbers
    or truth values, few of each: every combination is a series that is kept. The label ``agent`` is
    added.

    Args:
        measured: Takes what is measured.
    """

    __slots__ = ("_measured",)

    def __init__(self, measured: Measured) -> None:
        self._measured = measured

    def counter(self, name: str, /, **labels: Any) -> Counter:
        """A counter: ``ctx.metrics.counter("orders", region="eu").inc()``.

        Raises:
            ValueError: The name, or that of a label, cannot be one.
        """
        return Counter(self._measured, _key("counter", name, labels))

    def meter(self, name: str, /, **labels: Any) -> Meter:
        """A meter: a counter whose rate is shown where the engine shows rates.

        Raises:
            ValueError: As ``counter``.
        """
        return Meter(self._measured, _key("meter", name, labels))

    def gauge(self, name: str, /, **labels: Any) -> Gauge:
        """A gauge.

        Raises:
            ValueError: As ``counter``.
        """
        return Gauge(self._measured, _key("gauge", name, labels))

    def histogram(
        self, name: str, /, *, buckets: Sequence[float] = BUCKETS, **labels: Any
    ) -> Histogram:
        """A histogram.

        Args:
            name: Its name.
            buckets: The buckets' upper bounds, ascending; those that are given are good for
                seconds.
            **labels: Its labels.

        Raises:
            ValueError: As ``counter``; or the bounds do not ascend.
        """
        bounds = tuple(buckets)
        if bounds is not BUCKETS and (
            not 1 <= len(bounds) <= _MOST_BUCKETS
            or not all(map(math.isfinite, bounds))
            or any(one >= other for one, other in pairwise(bounds))
        ):
            raise ValueError(
                f"the buckets of the histogram {name!r} must be 1 to {_MOST_BUCKETS} finite "
                f"numbers that ascend, got {list(bounds)[:10]}"
            )
        return Histogram(self._measured, _key("histogram", name, labels, bounds))


def _key(kind: str, name: str, labels: dict[str, Any], bounds: tuple[float, ...] = ()) -> _Key:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"a metric cannot be called {name!r}: letters, digits and _, beginning with a letter"
        )
    if name.startswith("headrace_"):
        raise ValueError(f"the metric {name!r} would be one of the runtime's: leave out headrace_")
    for label in labels:
        if not _NAME.fullmatch(label) or label in _RESERVED_LABELS:
            raise ValueError(f"the metric {name!r} cannot have a label called {label!r}")
    named = tuple((label, _label(labels[label])) for label in sorted(labels)) if labels else ()
    return kind, name, named, bounds


def _label(value: Any) -> str:
    return value if type(value) is str else str(value)


def _finite(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"a metric takes finite numbers, got {value!r}")
    return value


def _amount(value: float) -> float:
    if _finite(value) < 0:
        raise ValueError(f"a counter only grows, got {value!r}: a gauge goes down too")
    return value
