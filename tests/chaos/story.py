"""A job that is struck at random times by a seeded schedule, and what became of it."""

from __future__ import annotations

import bisect
import itertools
import random
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .ledger import Effect, Ledger

__all__ = ["EFFECTS", "KEYS", "Found", "Job", "Strike", "judged", "returned", "struck"]

EFFECTS = ("plain", "reconciled", "outbox")
"""The kinds of calls that each input makes; those of the outbox have idempotency keys."""
KEYS = 20
_MOST = 180.0
"""Seconds after which a job that does nothing is taken for dead."""


@dataclass(frozen=True, slots=True)
class Strike:
    """Something that was done to the job."""

    what: str
    at: float
    """When, in seconds of the monotonic clock."""


@dataclass
class Found:
    """What became of the inputs."""

    strikes: list[Strike]
    exits: list[str]
    """What processes said that ended by themselves and not as they should."""
    lost: list[int]
    """Inputs without an output."""
    doubled: list[int]
    """Inputs with more than one output."""
    disordered: list[str]
    """Keys whose memory or outputs are not those of one input after the other."""
    missing: dict[str, list[str]]
    """By way: effects that were never taken."""
    again: dict[str, list[str]]
    """By way: effects that were taken more than once."""
    most: dict[str, int]
    """By way: how often the effect was taken that was taken most often."""
    after_return: list[str]
    """Plain effects that were taken again after the call had returned to its action."""
    stalls: dict[Strike, float]
    """How long after each strike no effect was taken, in seconds: the longest time until the next
    strike."""
    inputs: int
    """How many there were."""

    @property
    def counts(self) -> Counter[str]:
        """Strikes by what they were."""
        return Counter(one.what for one in self.strikes)


class Job(Protocol):
    """A job that may be struck; who keeps it running starts again what ends."""

    ledger: Ledger
    inputs: list[dict[str, Any]]
    exits: list[str]
    ordered: bool
    """Whether the inputs and outputs of a key come in one order, in one file."""

    def over(self) -> bool:
        """Whether the job has come to its end; what failed is started again."""

    def strike(self, what: str, seconds: float) -> None:
        """Strikes it, and mends what can be mended after a time."""

    def outputs(self) -> list[dict[str, Any]]:
        """What came out."""

    def returned(self) -> list[tuple[float, str]]:
        """When plain calls returned to their actions, and their effects' names."""


def struck(job: Job, seed: int, count: int, *, kinds: Sequence[str], every: int) -> list[Strike]:
    """Strikes a job so many times, at moments that a seed draws, and lets it come to its end.

    Args:
        job: The job.
        seed: For what is struck, and when.
        count: How often.
        kinds: What may be struck; each comes about equally often.
        every: Effects from one strike to the next, on average.
    """
    draw = random.Random(seed)
    order = [kinds[number % len(kinds)] for number in range(count)]
    draw.shuffle(order)
    strikes = []
    for what in order:
        _goes_on(job, job.ledger.count() + draw.randrange(1, 2 * every))
        assert not job.over(), "the job was over before the schedule was: give it more inputs"
        time.sleep(draw.random() * 0.01)  # between two effects, and not only right after one
        strikes.append(Strike(what, time.monotonic()))
        job.strike(what, draw.uniform(0.1, 1.5))
    _goes_on(job, sys.maxsize)
    return strikes


def _goes_on(job: Job, wanted: int) -> None:
    """Waits for so many effects, or the job's end; not for a job that stands still."""
    deadline, seen = 0.0, -1
    while not job.ledger.wait_for(min(wanted, seen + 50), 0.2) or seen + 50 < wanted:
        if job.over():
            return
        if (now := job.ledger.count()) != seen:
            seen, deadline = now, time.monotonic() + _MOST
        assert time.monotonic() < deadline, f"the job does nothing more; {job.exits[-3:]}"


def judged(job: Job, strikes: list[Strike]) -> Found:
    """What became of all that went in."""
    outputs, effects = job.outputs(), job.ledger.effects()
    numbers = [one["n"] for one in job.inputs]
    times = Counter(one["n"] for one in outputs)
    taken = {way: Counter(one.name for one in effects if one.way == way) for way in EFFECTS}
    return Found(
        strikes=strikes,
        exits=job.exits,
        lost=[one for one in numbers if not times[one]],
        doubled=[one for one in times if times[one] > 1],
        disordered=_disordered(job.inputs, outputs, ordered=job.ordered),
        missing={way: [f"{n}" for n in numbers if not taken[way][f"{n}"]] for way in EFFECTS},
        again={way: [one for one, often in taken[way].items() if often > 1] for way in EFFECTS},
        most={way: max(taken[way].values(), default=0) for way in EFFECTS},
        after_return=_after_return(job.returned(), effects),
        stalls=_stalls(strikes, effects),
        inputs=len(job.inputs),
    )


def returned(folder: Path) -> list[tuple[float, str]]:
    """What the agent has noted in a folder: when a plain call returned, and its effect's name."""
    path = folder / "returned"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(float(line.split(" ")[0]), line.split(" ")[1]) for line in lines]


def _disordered(
    inputs: Iterable[dict[str, Any]], outputs: Iterable[dict[str, Any]], *, ordered: bool
) -> list[str]:
    wanted: dict[str, list[int]] = defaultdict(list)
    found: dict[str, list[int]] = defaultdict(list)
    counts: dict[str, list[int]] = defaultdict(list)
    for one in inputs:
        wanted[one["key"]].append(one["n"])
    for one in outputs:
        found[one["key"]].append(one["n"])
        counts[one["key"]].append(one["count"])
    if not ordered:
        for some in (*wanted.values(), *found.values(), *counts.values()):
            some.sort()
    return [
        key
        for key in wanted
        if found[key] != wanted[key] or counts[key] != [*range(1, len(wanted[key]) + 1)]
    ]


def _after_return(returned: list[tuple[float, str]], effects: Iterable[Effect]) -> list[str]:
    """Plain effects that were taken after a call of theirs had returned to its action."""
    first: dict[str, float] = {}
    for at, name in returned:
        first.setdefault(name, at)
    return sorted(
        {one.name for one in effects if one.way == "plain" and one.at > first.get(one.name, one.at)}
    )


def _stalls(strikes: list[Strike], effects: list[Effect]) -> dict[Strike, float]:
    found = dict.fromkeys(strikes, 0.0)
    moments = [one.at for one in strikes]
    for one, later in itertools.pairwise(effect.at for effect in effects):
        if number := bisect.bisect(moments, later):
            last = strikes[number - 1]
            found[last] = max(found[last], later - max(one, last.at))
    return found
