"""What is lost, doubled or done again when a job is struck at random times: 100 times and more.

A ledger on loopback counts every effect. The job is struck by a seeded schedule: its process (on
Flink: a Python worker, a TaskManager, the JobManager) is killed, its network cut, slowed or made
deaf, its disk full or read only; what ends by itself is started again, as a service manager does.

    python benchmarks/chaos.py --strikes 120 --seed 1
    python benchmarks/chaos.py --strikes 120 --seed 1 --engine flink --store

prints what became of it, and ends with 1 where something was lost or doubled that must not be.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

from tests.chaos.cluster import PARTS, ClusterJob  # noqa: E402
from tests.chaos.disk import Disk, may_mount  # noqa: E402
from tests.chaos.ledger import Ledger  # noqa: E402
from tests.chaos.local import LocalJob  # noqa: E402
from tests.chaos.network import WAYS, Link  # noqa: E402
from tests.chaos.story import Found, judged, struck  # noqa: E402
from tests.jobs import Kit  # noqa: E402
from tests.on_a_cluster.conftest import Zips, opened  # noqa: E402

from headrace_registry.clusters import ClusterSpec  # noqa: E402

_EVERY = {"local": 120, "flink": 500}
"""Effects from one strike to the next, on average."""


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description="Strikes a job at random.")
    disk = ("full", "readonly") if may_mount() else ()
    kinds = {"local": ("process", *WAYS, *disk), "flink": (*PARTS, *WAYS)}
    parser.add_argument("--engine", choices=kinds, default="local")
    parser.add_argument("--store", action="store_true", help="with an action store (SQLite)")
    parser.add_argument("--strikes", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", action="append", help="some of the ways to strike")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    chosen = tuple(given.kind or kinds[given.engine])
    if unknown := set(chosen) - {*kinds[given.engine]}:
        parser.error(f"--kind: {', '.join(unknown)}: none of {', '.join(kinds[given.engine])}")
    run = on_flink if given.engine == "flink" else locally
    found = run(given.strikes, given.seed, chosen, store=given.store)
    told = figures(found)
    print(json.dumps(told, indent=1) if given.json else table(told))
    kept = given.engine == "local" or given.store
    if found.lost or found.doubled or found.disordered or (kept and found.after_return):
        sys.exit("something was lost or doubled that must not be")
    if found.again["reconciled"] or found.again["outbox"] or any(found.missing.values()):
        sys.exit("an effect was lost, or one with a reconciler or of the outbox was taken twice")


def locally(strikes: int, seed: int, kinds: tuple[str, ...], *, store: bool) -> Found:
    """Strikes the job on the local engine."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ledger = stack.enter_context(Ledger())
        link = stack.enter_context(Link(ledger.port))
        disk = stack.enter_context(Disk(folder / "disk"))
        inputs = (strikes + 2) * _EVERY["local"]
        job = LocalJob(folder, ledger, link, disk, seed, inputs, store=store)
        stack.callback(job.end)
        return judged(job, struck(job, seed, strikes, kinds=kinds, every=_EVERY["local"]))


def on_flink(strikes: int, seed: int, kinds: tuple[str, ...], *, store: bool) -> Found:
    """Strikes the job on a cluster."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kit = Kit(folder / "kit").make()
        spec = ClusterSpec(name="chaos", taskmanagers=2, slots=1, high_availability=True)
        ledger = stack.enter_context(Ledger())
        link = stack.enter_context(Link(ledger.port))
        site = stack.enter_context(opened(kit, spec))
        inputs = (strikes + 2) * _EVERY["flink"]
        kept = folder / "calls.db" if store else None
        zips = Zips(kit, folder / "zips")
        job = ClusterJob(site, zips, folder, ledger, link, seed, inputs, kept)
        stack.callback(job.end)
        return judged(job, struck(job, seed, strikes, kinds=kinds, every=_EVERY["flink"]))


def figures(found: Found) -> dict[str, Any]:
    """What is told."""
    by_kind: dict[str, list[float]] = {}
    for one in found.strikes:
        by_kind.setdefault(one.what, []).append(found.stalls[one])
    return {
        "strikes": dict(sorted(found.counts.items())),
        "inputs": found.inputs,
        "inputs lost": len(found.lost),
        "outputs doubled": len(found.doubled),
        "keys out of order": len(found.disordered),
        "effects lost": {way: len(some) for way, some in found.missing.items()},
        "effects doubled": {way: len(some) for way, some in found.again.items()},
        "doubled after the call had returned": len(found.after_return),
        "one effect at most": found.most,
        "ends by itself": len(found.exits),
        "seconds without an effect after a strike": {
            kind: {"median": round(statistics.median(some), 2), "longest": round(max(some), 2)}
            for kind, some in sorted(by_kind.items())
        },
    }


def table(told: dict[str, Any]) -> str:
    """The same as a table."""
    lines = ["| what | count |", "|---|---|"]
    for name, value in told.items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for part, one in parts:
            text = ", ".join(f"{n} {v}" for n, v in one.items()) if isinstance(one, dict) else one
            lines.append(f"| {name}{': ' + part if part else ''} | {text} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
