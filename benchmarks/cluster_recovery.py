"""What is lost, doubled or done again when parts of a cluster are killed: at least 30 kills.

It runs the test of ``tests/on_a_cluster/test_kills.py`` for longer: a job with checkpoints every
second and a transactional file sink, of which a TaskManager, the Python worker or the JobManager
is killed at moments that are drawn by a seed. A fault ends the benchmark; it is not a figure.

    python benchmarks/cluster_recovery.py --kills 30 --seed 1

prints each kill as a row of a table, and the counts at the end.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from figures import Figure  # noqa: E402
from tests.jobs import Kit  # noqa: E402
from tests.on_a_cluster.conftest import Zips, opened  # noqa: E402
from tests.on_a_cluster.killing import (  # noqa: E402
    PARTS,
    Kill,
    Killer,
    by_call,
    left_behind,
    made_again,
    resumed,
)
from tests.on_a_cluster.numbered import OPTIONS, Call, Numbered  # noqa: E402

from headrace_registry.clusters import ClusterSpec  # noqa: E402

__all__ = ["measure"]

_A_KILL = 1_000
"""Numbers between two kills, on average."""
_PAUSE = 0.004
NAMES = {
    "taskmanager": "a TaskManager",
    "worker": "a Python worker",
    "jobmanager": "the JobManager",
}


@dataclass
class Run:
    """A stream that was brought to its end over kills."""

    kills: list[Kill]
    calls: list[Call]
    numbers: int
    faults: dict[str, list[int]]
    start: float
    """Seconds from the command to submit to the first call: what a start costs without a kill."""
    seconds: float
    orphans: int
    """Python workers whose TaskManager was killed, and that were still there at the end."""


def measure(*, quick: bool) -> list[Figure]:
    """The figures: seconds without work after a kill, over those of a first start."""
    done = run(kills=6 if quick else 30, seed=1)
    print(told(done))
    check(done)
    return [
        Figure(
            name=f"{NAMES[part]} killed: seconds until the job works again",
            value=statistics.median(one.works for one in done.kills if one.part == part),
            unit="s",
            yardstick="the job's first start",
            yardstick_value=done.start,
            target=None,
            higher_is_better=False,
            rounds={part: [one.works for one in done.kills if one.part == part]},
        )
        for part in PARTS
    ]


def run(*, kills: int, seed: int) -> Run:
    """Runs the stream, and kills parts of its cluster meanwhile."""
    draw = random.Random(seed)  # noqa: S311 - moments, not secrets
    with tempfile.TemporaryDirectory(prefix="cluster-recovery-") as scratch:
        home = Path(scratch)
        kit = Kit(home / "kit").make()
        (home / "stream").mkdir()
        numbers = _A_KILL * (kills + 1)
        stream = Numbered(home / "stream", Zips(kit, home / "jobs"), numbers=numbers, pause=_PAUSE)
        zip_ = stream.build()
        spec = ClusterSpec(name="recovery", taskmanagers=2, slots=1, high_availability=True)
        with opened(kit, spec) as site:
            began = time.time()
            job = site.submit(zip_, "--parallelism", 2, *OPTIONS)
            killer = Killer(site, job, stream, seed)
            # Each part as often as the others, in an order that is drawn.
            parts = draw.sample([PARTS[one % len(PARTS)] for one in range(kills)], kills)
            for number, part in enumerate(parts):
                killer.kill(part, int(_A_KILL * (number + draw.uniform(0.3, 1.0))))
                print(row(number + 1, killer.kills[-1]), file=sys.stderr, flush=True)
            stream.hurry()
            site.finished(job)
            seconds = time.time() - began
            orphans = len(killer.orphans())
        calls = stream.calls()
        return Run(
            killer.kills, calls, numbers, stream.faults(), calls[0].at - began, seconds, orphans
        )


def check(done: Run) -> None:
    """Ends the benchmark if anything was lost, doubled or called for again."""
    again = made_again(done.calls, done.kills)
    if done.faults or again:
        raise SystemExit(f"faults: {done.faults}; finished calls made again: {again[:20]}")


def row(number: int, kill: Kill) -> str:
    """A kill as a row of a table."""
    what = NAMES[kill.part]
    return f"| {number} | {what} | {kill.progress:,} | {kill.restored} | {kill.works:.1f} |"


def told(done: Run) -> str:
    """The kills as a Markdown table, and what became of the stream."""
    rows = [
        "| kill | of | outputs before it | went on from checkpoint | seconds until it worked |",
        "|---:|---|---:|---:|---:|",
        *(row(number, kill) for number, kill in enumerate(done.kills, 1)),
    ]
    times = by_call(done.calls, done.kills)
    more = sum(len(found) > 1 for found in times.values())
    held = sum(len(resumed(done.calls, kill, done.kills)) for kill in done.kills)
    left = len(left_behind(done.calls, done.kills))
    again = made_again(done.calls, done.kills)
    strictly = made_again(done.calls, done.kills, until="begun")
    rows += [
        "",
        f"{done.numbers:,} inputs, {len(done.kills)} kills, {done.seconds:.0f} s.",
        f"Lost, doubled or wrong: {json.dumps(done.faults)}.",
        f"Calls wanted: {2 * done.numbers:,}; made: {len(done.calls):,}.",
        f"Calls made more than once, since the last checkpoint: {more:,}.",
        f"Calls made by executions that a kill had ended: {left:,}.",
        f"First calls of runs under way at a kill, taken from the journal afterwards: {held:,}.",
        f"Calls that ended before the last checkpoint, and were made again: {len(again)}.",
        f"The same, counting those that ended just before its begin too: {len(strictly)}.",
        f"Workers of killed TaskManagers that were there at the end: {done.orphans}.",
    ]
    return "\n".join(rows)


def main() -> None:
    """Runs it by itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    done = run(kills=given.kills, seed=given.seed)
    print(told(done))
    check(done)


if __name__ == "__main__":
    main()
