"""The Flink engine beside functions written by hand; each job in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from figures import Figure, alternating

__all__ = ["measure"]

HERE = Path(__file__).parent


def job(program: str, *arguments: object) -> dict[str, float]:
    """Runs a program of this folder; gives what it printed as JSON."""
    done = subprocess.run(
        [sys.executable, str(HERE / program), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{program} {arguments} failed:\n{done.stderr[-4000:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def rate(kind: str, events: int, keys: int, wait: float = 0.0) -> float:
    """Events a second, once the job is under way."""
    return job("flink_job.py", kind, events, keys, wait)["rate"]


def throughput(*, quick: bool) -> list[Figure]:
    """One memory read and one write for each event, 1,000 keys."""
    rounds = 1 if quick else 3
    speed, seen = alternating(
        rounds,
        {
            "plain": lambda: rate("plain", 12_000, 1000),
            "tuned": lambda: rate("tuned", 60_000, 1000),
            "agent": lambda: rate("agent", 60_000, 1000),
        },
    )
    return [
        Figure(
            "Flink, one read and one write, 1,000 keys",
            speed["agent"],
            "events/s",
            yardstick,
            speed[kind],
            target=target,
            rounds=seen,
        )
        for kind, yardstick, target in [
            ("plain", "`KeyedProcessFunction`, Flink's defaults", 3),
            ("tuned", "`KeyedProcessFunction`, tuned", 0.7),
        ]
    ]


def waiting(*, quick: bool) -> list[Figure]:
    """50 ms calls, 1,000 keys."""
    speed, seen = alternating(
        1 if quick else 3,
        {kind: lambda kind=kind: rate(kind, 30_000, 1000, 0.05) for kind in ("agent", "async")},
    )
    return [
        Figure(
            "Flink, 50 ms calls, 1,000 keys, 1,000 in flight",
            speed["agent"],
            "events/s",
            "`AsyncFunction`, which has no keyed state",
            speed["async"],
            target=1,
            rounds=seen,
        )
    ]


def latency(*, quick: bool) -> list[Figure]:
    """From Flink's source to the output, one event at a time."""
    events = 60
    found, seen = alternating(
        1 if quick else 3,
        {
            kind: lambda kind=kind: job("flink_latency.py", kind, events)["p50_ms"]
            for kind in ("agent", "tuned")
        },
    )
    return [
        Figure(
            "Flink, idle, p50 from the source to the output",
            found["agent"],
            "ms",
            "30 ms",
            30,
            target=1,
            higher_is_better=False,
            rounds=seen,
        ),
        Figure(
            "the same, beside a function by hand",
            found["agent"],
            "ms",
            "`KeyedProcessFunction`, tuned",
            found["tuned"],
            target=None,
            higher_is_better=False,
            rounds=seen,
        ),
    ]


def curve(*, quick: bool) -> list[Figure]:
    """What more keys cost."""
    sizes = [10, 1000, 100_000] if quick else [10, 1000, 10_000, 100_000, 1_000_000]
    speeds = {keys: rate("agent", max(60_000, keys), keys) for keys in sizes}
    return [
        Figure(
            f"Flink, one read and one write, {keys:,} keys",
            speed,
            "events/s",
            "the same with 1,000 keys",
            speeds[1000],
            target=None,
        )
        for keys, speed in speeds.items()
        if keys != 1000
    ]


def measure(*, quick: bool) -> list[Figure]:
    """All of them."""
    parts = [throughput, waiting, latency, curve]
    return [figure for part in parts for figure in part(quick=quick)]
