"""A job that is struck at random times by a seeded schedule, and what became of it."""

from __future__ import annotations

import bisect
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .disk import Disk
from .network import WAYS, Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .ledger import Effect, Ledger

__all__ = ["EFFECTS", "Found", "LocalJob", "Strike", "judged", "struck"]

EFFECTS = ("plain", "reconciled")
"""The kinds of calls that each input makes."""
_KEYS = 20
_PROGRAM = Path(__file__).with_name("paying.py")
_MOST = 60.0
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


class LocalJob:
    """The job on the local engine, as a service manager runs it: what ends is started again.

    Args:
        folder: Its folder.
        ledger: The service that it calls.
        link: The link to the ledger.
        disk: Where its state is.
        seed: For the inputs.
        inputs: How many.
    """

    strikes: tuple[str, ...] = ("process", *WAYS, "full", "readonly")

    def __init__(
        self, folder: Path, ledger: Ledger, link: Link, disk: Disk, seed: int, inputs: int
    ) -> None:
        draw = random.Random(seed)
        self.folder = folder
        self.ledger = ledger
        self.link = link
        self.disk = disk
        self.inputs = [
            {"key": f"k{draw.randrange(_KEYS)}", "n": number} for number in range(inputs)
        ]
        self.exits: list[str] = []
        self._starts = 0
        text = "".join(json.dumps(value) + "\n" for value in self.inputs)
        (folder / "input.jsonl").write_text(text)
        order = {"port": link.port, "disk": str(disk.folder)}
        (folder / "order.json").write_text(json.dumps(order))
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self._starts += 1
        with (self.folder / "said").open("ab") as said:
            return subprocess.Popen(
                [sys.executable, str(_PROGRAM), str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**os.environ, "EXECUTION": str(self._starts)},
            )

    def over(self) -> bool:
        """Whether the job has come to its end; one that failed is started again."""
        code = self.process.poll()
        if code is None:
            return False
        if code == 0:
            return True
        lines = (self.folder / "said").read_text(errors="replace").splitlines()
        self.exits.append(lines[-1] if lines else f"code {code}")
        self.process = self._start()
        return False

    def strike(self, what: str, seconds: float) -> None:
        """Strikes it, and mends what can be mended after a time."""
        if what == "process":
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = self._start()
        elif what in WAYS:
            self.link.be(what)
            time.sleep(seconds)
            self.link.be("open")
        elif what == "readonly":  # as after a disk's error: whoever wrote is gone
            self.process.kill()
            self.process.wait()
            with self.disk.struck(what):
                self.process = self._start()
                time.sleep(seconds)
        else:
            with self.disk.struck(what):
                time.sleep(seconds)

    def outputs(self) -> list[dict[str, Any]]:
        """What came out."""
        lines = (self.disk.folder / "output.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def returned(self) -> list[tuple[str, str]]:
        """Executions, and the plain effects whose calls returned to their action in them."""
        path = self.folder / "returned"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(line.split(" ")[0], line.split(" ")[1]) for line in lines]

    def end(self) -> None:
        """Leaves nothing behind."""
        self.process.kill()
        self.process.wait()


def struck(
    job: LocalJob, seed: int, count: int, *, kinds: Sequence[str], every: int
) -> list[Strike]:
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
        wanted = job.ledger.count() + draw.randrange(1, 2 * every)
        _until(job, wanted)
        time.sleep(draw.random() * 0.01)  # between two effects, and not only right after one
        strikes.append(Strike(what, time.monotonic()))
        job.strike(what, draw.uniform(0.1, 1.5))
    deadline = time.monotonic() + _MOST
    seen = -1
    while not job.over():
        if (now := job.ledger.count()) != seen:
            seen, deadline = now, time.monotonic() + _MOST
        assert time.monotonic() < deadline, f"the job does nothing more; {job.exits[-3:]}"
        job.ledger.wait_for(seen + 50, 0.2)
    return strikes


def _until(job: LocalJob, wanted: int) -> None:
    deadline = time.monotonic() + _MOST
    while not job.ledger.wait_for(wanted, 0.2):
        assert not job.over(), "the job was over before the schedule was: give it more inputs"
        assert time.monotonic() < deadline, f"the job does nothing more; {job.exits[-3:]}"


def judged(job: LocalJob, strikes: list[Strike]) -> Found:
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
        disordered=_disordered(job.inputs, outputs),
        missing={way: [f"{n}" for n in numbers if not taken[way][f"{n}"]] for way in EFFECTS},
        again={way: [one for one, often in taken[way].items() if often > 1] for way in EFFECTS},
        most={way: max(taken[way].values(), default=0) for way in EFFECTS},
        after_return=_after_return(job.returned(), effects),
        stalls=_stalls(strikes, effects),
        inputs=len(job.inputs),
    )


def _disordered(inputs: Iterable[dict[str, Any]], outputs: Iterable[dict[str, Any]]) -> list[str]:
    wanted: dict[str, list[int]] = defaultdict(list)
    found: dict[str, list[int]] = defaultdict(list)
    counts: dict[str, list[int]] = defaultdict(list)
    for one in inputs:
        wanted[one["key"]].append(one["n"])
    for one in outputs:
        found[one["key"]].append(one["n"])
        counts[one["key"]].append(one["count"])
    return [
        key
        for key in wanted
        if found[key] != wanted[key] or counts[key] != [*range(1, len(wanted[key]) + 1)]
    ]


def _after_return(returned: list[tuple[str, str]], effects: Iterable[Effect]) -> list[str]:
    """Plain effects that a later execution took again than the one that was given the outcome."""
    first = {}
    for execution, name in returned:
        first.setdefault(name, int(execution))
    return sorted(
        {
            one.name
            for one in effects
            if one.way == "plain" and int(one.execution) > first.get(one.name, 1 << 60)
        }
    )


def _stalls(strikes: list[Strike], effects: list[Effect]) -> dict[Strike, float]:
    found = dict.fromkeys(strikes, 0.0)
    moments = [one.at for one in strikes]
    for one, later in itertools.pairwise(effect.at for effect in effects):
        if number := bisect.bisect(moments, later):
            last = strikes[number - 1]
            found[last] = max(found[last], later - max(one, last.at))
    return found
