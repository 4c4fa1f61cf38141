"""What is lost, doubled or done again when a job is struck at random times: 100 times and more.

A ledger on loopback counts every effect. The job is struck by a seeded schedule: its process (on
Flink: a Python worker, a TaskManager, the JobManager) is killed, its network cut, slowed or made
deaf, its disk full or read only, the server of its action store killed or cut off. What ends by
itself is started again, as a service manager does.

    python benchmarks/chaos.py --strikes 120 --seed 1
    python benchmarks/chaos.py --strikes 120 --seed 1 --engine flink --store postgres

prints what became of it, and ends with 1 where something was lost or doubled that must not be.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

from tests.chaos.cases import Case, strikes_of  # noqa: E402
from tests.chaos.stores import STORES  # noqa: E402
from tests.jobs import Kit  # noqa: E402

if TYPE_CHECKING:
    from tests.chaos.story import Found

_EVERY = {"local": 120, "flink": 300}
"""Effects from one strike to the next, on average."""


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description="Strikes a job at random.")
    parser.add_argument("--engine", choices=_EVERY, default="local")
    parser.add_argument("--store", choices=STORES, help="with an action store")
    parser.add_argument("--strikes", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", action="append", help="some of the ways to strike")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    known = strikes_of(given.engine, given.store)
    chosen = tuple(given.kind or known)
    if unknown := set(chosen) - {*known}:
        parser.error(f"--kind: {', '.join(unknown)}: none of {', '.join(known)}")
    case = Case(given.engine, given.store, chosen, _EVERY[given.engine])
    with tempfile.TemporaryDirectory(prefix="chaos-") as scratch:
        home = Path(scratch)
        (home / "job").mkdir()
        kit = Kit(home / "kit").make() if given.engine == "flink" else None
        found = case.run(home / "job", given.strikes, given.seed, kit, "chaos")
    told = figures(found)
    print(json.dumps(told, indent=1) if given.json else table(told))
    kept = given.engine == "local" or given.store
    if found.lost or found.doubled or found.disordered or (kept and found.after_return):
        sys.exit("something was lost or doubled that must not be")
    if found.again["reconciled"] or found.again["outbox"] or any(found.missing.values()):
        sys.exit("an effect was lost, or one that must not be was taken twice")


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
