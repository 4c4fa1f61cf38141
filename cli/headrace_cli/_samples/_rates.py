"""How many of the judged samples are good, by day and more, and how sure that is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.samples import Judged

__all__ = ["BY", "Rate", "rates", "wilson"]

BY = ("day", "agent", "model", "job", "label", "person")
"""What samples are counted by."""
_SURE = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """Samples of one sort."""

    of: tuple[str, ...]
    """Which sort: a value for each of what is counted by."""
    samples: int
    """How many there are."""
    good: int
    """Of which all who judged say good."""
    bad: int
    """Of which all say bad."""
    disputed: int
    """Of which people say different things."""

    @property
    def rate(self) -> float | None:
        """The part of those judged alike that is good; ``None``: there are none."""
        judged = self.good + self.bad
        return self.good / judged if judged else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Between what the rate of all such runs is, 19 times of 20."""
        judged = self.good + self.bad
        return wilson(self.good, judged) if judged else None


def wilson(good: int, of: int, sure: float = _SURE) -> tuple[float, float]:
    """Wilson's interval of a part: right also for few and for none."""
    z = NormalDist().inv_cdf((1 + sure) / 2)
    part = good / of
    middle = part + z * z / (2 * of)
    reach = z * sqrt(part * (1 - part) / of + z * z / (4 * of * of))
    below = 1 + z * z / of
    return max(0.0, (middle - reach) / below), min(1.0, (middle + reach) / below)


def rates(judged: Iterable[Judged], by: tuple[str, ...]) -> list[Rate]:
    """The rates, in the order of their sorts.

    By person, each person's own verdicts are counted; else what people agree on.
    """
    counts: dict[tuple[str, ...], dict[str, int]] = {}
    for one in judged:
        for of, said in _sorts(one, by):
            found = counts.setdefault(of, {"": 0, "good": 0, "bad": 0, "disputed": 0})
            found[said] += 1
    return [
        Rate(of, sum(found.values()), found["good"], found["bad"], found["disputed"])
        for of, found in sorted(counts.items())
    ]


def _sorts(one: Judged, by: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], str]]:
    """The sorts that a sample is of, with what is said of it there."""
    people: list[tuple[str, str]] = (
        [(each.by, each.verdict) for each in one.verdicts] if "person" in by else []
    )
    labels = sorted({label for each in one.verdicts for label in each.labels}) or ["-"]
    for person, said in people or [("-", one.said)]:
        for label in labels if "label" in by else [""]:
            values = {
                "day": f"{dt.datetime.fromtimestamp(one.sample.time, dt.timezone.utc):%Y-%m-%d}",
                "agent": one.sample.agent,
                "model": "+".join(one.sample.models) or "-",
                "job": one.sample.job,
                "label": label,
                "person": person,
            }
            yield tuple(values[name] for name in by), said
