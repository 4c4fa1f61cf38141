"""How checkpoints go while 1,000 calls of 30 seconds are out, on bounded and unbounded inputs.

    python benchmarks/checkpoints.py [--calls 1000] [--seconds 30]

A cluster takes a checkpoint each second. Told are how many were complete, how long they took and
how large they were while the calls were out, beside those of the same job with nothing to do (the
unbounded one, before its inputs come). A checkpoint that fails, or an output that lacks or comes
twice, ends it with 1.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import httpx  # noqa: E402
from figures import Figure  # noqa: E402
from tests.jobs import Kit  # noqa: E402
from tests.on_a_cluster.conftest import Site, Zips, opened, read_lines  # noqa: E402
from tests.on_a_cluster.numbered import OPTIONS  # noqa: E402

from headrace_registry.clusters import ClusterSpec  # noqa: E402

__all__ = ["measure"]

_EACH = 2
"""Inputs for each call that may be out: the source is held back while they are."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One that ended."""

    at: float
    """When it was triggered, in seconds since 1970."""
    seconds: float
    size: float
    """In MiB."""
    failure: str


@dataclass(frozen=True, slots=True)
class Found:
    """What the checkpoints of a job were like."""

    idle: list[Checkpoint]
    """Those before there was anything to do."""
    busy: list[Checkpoint]
    """Those while calls were out."""
    lost: int
    doubled: int

    @property
    def failed(self) -> list[str]:
        """Why, of each that failed."""
        return [one.failure for one in (*self.idle, *self.busy) if one.failure]


def measure(*, quick: bool) -> list[Figure]:
    """The figures: how long a checkpoint takes with calls out, over one of a job that is idle."""
    found = run(calls=200 if quick else 1_000, seconds=5 if quick else 30)
    check(found)
    return [
        Figure(
            name=f"checkpoints with 1,000 calls out, {name} input: their duration",
            value=_median(one.busy),
            unit="s",
            yardstick="the same job with nothing to do",
            yardstick_value=_median(found["unbounded"].idle),
            target=None,
            higher_is_better=False,
            rounds={"with calls": [each.seconds for each in one.busy]},
        )
        for name, one in found.items()
    ]


def run(*, calls: int, seconds: float) -> dict[str, Found]:
    """Runs both jobs, one after the other."""
    with tempfile.TemporaryDirectory(prefix="checkpoints-") as scratch:
        home = Path(scratch)
        zips = Zips(Kit(home / "kit").make(), home / "jobs")
        spec = ClusterSpec(name="checkpoints", taskmanagers=1, slots=1)
        with opened(zips.kit, spec) as site:
            return {
                name: _one(site, zips, home / name, calls, seconds, bounded=name == "bounded")
                for name in ("unbounded", "bounded")
            }


def _one(
    site: Site, zips: Zips, folder: Path, calls: int, seconds: float, *, bounded: bool
) -> Found:
    (folder / "in").mkdir(parents=True)
    inputs = _EACH * calls
    place = {"BOUNDED": bounded, "FOLDER": str(folder), "INPUTS": inputs, "SECONDS": seconds}
    lines = "".join(f"{name} = {value!r}\n" for name, value in place.items())
    source = (HERE / "checkpoints_job.py").read_text()
    zip_ = zips.build(source, "jobs:waiting", files={"place.py": lines})
    options = [one if "bundle.size" not in one else f"max_in_flight={calls}" for one in OPTIONS]
    job = site.submit(zip_, "--parallelism", 1, *options)
    seen: dict[int, Checkpoint] = {}
    if not bounded:
        _follow(site, job, seen, lambda: sum(not one.failure for one in seen.values()) >= 10)
        (folder / "in" / ".numbers").write_text("".join(f"{number}\n" for number in range(inputs)))
        (folder / "in" / ".numbers").rename(folder / "in" / "numbers")
    began = time.time()
    _follow(site, job, seen, lambda: len(read_lines(folder / "out")) >= inputs)
    ended = time.time()
    if bounded:
        site.finished(job)
    _look(site, job, seen)
    if not bounded:
        site.end(job)
    outputs = Counter(int(json.loads(line)) for line in read_lines(folder / "out"))
    return Found(
        idle=[one for one in seen.values() if one.at < began],
        busy=[one for one in seen.values() if began <= one.at < ended],
        lost=sum(number not in outputs for number in range(inputs)),
        doubled=sum(often > 1 for often in outputs.values()),
    )


def _follow(site: Site, job: str, seen: dict[int, Checkpoint], enough: Any) -> None:
    """Takes down the checkpoints that end, until it is enough."""
    deadline = time.monotonic() + 600
    while not enough():
        if time.monotonic() > deadline:
            sys.exit(f"the job does nothing more: {site.rest.exceptions(job).entries}")
        _look(site, job, seen)
        time.sleep(0.5)


def _look(site: Site, job: str, seen: dict[int, Checkpoint]) -> None:
    answer = httpx.get(f"http://{site.cluster.address}/jobs/{job}/checkpoints", trust_env=False)
    for one in answer.json().get("history", ()):
        if one["status"] != "IN_PROGRESS":
            seen[one["id"]] = Checkpoint(
                one["trigger_timestamp"] / 1e3,
                one["end_to_end_duration"] / 1e3,
                one["state_size"] / 2**20,
                one.get("failure_message") or ("failed" if one["status"] == "FAILED" else ""),
            )


def _median(some: list[Checkpoint]) -> float:
    return statistics.median(one.seconds for one in some)


def table(found: dict[str, Found]) -> str:
    """What is told, as a table."""
    lines = [
        "| input | calls out | checkpoints | failed | median | longest | size, MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        for calls, some in (("none", one.idle), ("all", one.busy)):
            if some:
                failed = sum(bool(each.failure) for each in some)
                longest = max(each.seconds for each in some)
                size = max(each.size for each in some)
                lines.append(
                    f"| {name} | {calls} | {len(some)} | {failed} | {_median(some):.2f} s "
                    f"| {longest:.2f} s | {size:.2f} |"
                )
    return "\n".join(lines)


def check(found: dict[str, Found]) -> None:
    """Ends with 1 where something went wrong."""
    for name, one in found.items():
        if one.failed or one.lost or one.doubled:
            sys.exit(f"{name}: {one.lost} lost, {one.doubled} doubled, failed: {one.failed}")


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description="Checkpoints while calls are out.")
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    found = run(calls=given.calls, seconds=given.seconds)
    print(table(found))
    check(found)


if __name__ == "__main__":
    main()
