"""What a sandbox costs for each call, beside a bare ``subprocess.run`` of the same program.

::

    python benchmarks/sandbox_cost.py [--rounds 60]

Two programs: one that does nothing (``/bin/true``), and Python that does nothing. Each round runs
every kind once, in an order that changes. The first call of a sandbox, which starts its keeper, is
told apart. Other work on the machine shows in all figures; the least of each says what it costs
without.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures import Figure, alternating

from headrace_skills.sandbox import Command, choose_sandbox, try_sandboxes
from headrace_skills.sandboxes._base import KeptSandbox
from headrace_skills.sandboxes._places import python_program

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["measure"]

PROGRAMS = {"true": ("/bin/true",), "python": (python_program(), "-s", "-B", "-c", "pass")}
AIM = 15.0
"""Milliseconds beyond a bare process that bubblewrap may take."""


def measure(*, quick: bool = False, rounds: int = 60) -> list[Figure]:
    """The figures, in milliseconds; the aim is held against the smallest that is possible."""
    found = measured(10 if quick else rounds)
    figures = []
    for program, costs in found["milliseconds"].items():
        bare = costs["bare"]["median"]
        for name, cost in costs.items():
            if name == "bare":
                continue
            aim = (bare + AIM) / bare if name == "bubblewrap" else None
            figures.append(
                Figure(
                    f"sandbox {name}, {program}",
                    cost["median"],
                    "ms",
                    "bare process",
                    bare,
                    aim,
                    higher_is_better=False,
                )
            )
    return figures


def measured(rounds: int) -> dict[str, Any]:
    """All that was measured."""
    names = [one.name for one in try_sandboxes() if one.works]
    result: dict[str, Any] = {"rounds": rounds, "first_call": {}, "milliseconds": {}}
    with tempfile.TemporaryDirectory() as folder:
        sandboxes = {name: _kept(name) for name in ("none", *names)}
        try:
            for name, sandbox in sandboxes.items():
                first = _in_sandbox(sandbox, PROGRAMS["true"], Path(folder))
                result["first_call"][name] = round(first(), 2)
            for program, argv in PROGRAMS.items():
                kinds = {"bare": _bare(argv)}
                for name, sandbox in sandboxes.items():
                    kinds[name] = _in_sandbox(sandbox, argv, Path(folder))
                for kind in kinds.values():
                    kind()  # files come into memory
                _, seen = alternating(rounds, kinds)
                result["milliseconds"][program] = _told(seen)
        finally:
            for sandbox in sandboxes.values():
                sandbox.end()
    return result


def _told(seen: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    bare = statistics.median(seen["bare"])
    told = {}
    for name, values in seen.items():
        median = statistics.median(values)
        # Within a round, so that what else the machine did in that moment is in both.
        more = statistics.median(
            one - other for one, other in zip(values, seen["bare"], strict=True)
        )
        told[name] = {
            "median": round(median, 2),
            "least": round(min(values), 2),
            "more_than_bare": round(more, 2),
            "least_more_than_bare": round(min(values) - min(seen["bare"]), 2),
            "times_bare": round(median / bare, 2),
        }
    return told


def _bare(argv: tuple[str, ...]) -> Callable[[], float]:
    def run() -> float:
        began = time.perf_counter()
        subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=True)
        return (time.perf_counter() - began) * 1000

    return run


def _kept(name: str) -> KeptSandbox:
    sandbox = choose_sandbox(name)
    assert isinstance(sandbox, KeptSandbox)
    return sandbox


def _in_sandbox(sandbox: KeptSandbox, argv: tuple[str, ...], skill: Path) -> Callable[[], float]:
    command = Command(argv, skill)

    def run() -> float:
        began = time.perf_counter()
        outcome = sandbox.run_now(command)
        spent = (time.perf_counter() - began) * 1000
        assert outcome.ok, outcome
        return spent

    return run


def main() -> None:
    """Prints what was measured, as JSON."""
    parser = argparse.ArgumentParser(description="What a sandbox costs for each call.")
    parser.add_argument("--rounds", type=int, default=60)
    given = parser.parse_args()
    print(json.dumps(measured(given.rounds), indent=1))


if __name__ == "__main__":
    main()
