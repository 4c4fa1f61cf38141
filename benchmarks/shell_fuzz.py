"""Throws commands and trees at the check of shell commands: a verdict or the typed error, always.

    .venv/bin/python benchmarks/shell_fuzz.py [--trees N] [--texts N] [--runs N] [--scripts N]

``--trees``: parser's trees, spoiled at random, judged in this process. ``--texts``: commands put
together, torn, or mere noise, parsed by a process each. ``--runs``: of such commands, those that
are allowed are run by bash, with shims in the place of all programs: none may start that was not
foreseen. ``--scripts``: the same for scripts of sed and awk. What is found is printed, with the
seed that leads to it again (``--seed``); the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import shlex
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from headrace_skills.shell import ShellRefusedError, ShellRules, check_command
from headrace_skills.shell._checking import check_tree
from headrace_skills.shell._parser import parse

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "skills" / "shell"))
cases, hostile, machine = map(importlib.import_module, ("cases", "hostile", "machine"))

RULES = ShellRules()


class Tally:
    """Counts verdicts, and keeps what must not be."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.verdicts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._began = time.perf_counter()

    def judge(self, function: Any, *arguments: Any, about: str) -> Any:
        """Calls a check, and counts what came of it."""
        try:
            result = function(*arguments)
        except ShellRefusedError as refused:
            self.verdicts[refused.rule] += 1
            return None
        except Exception as crash:  # noqa: BLE001 - any other is what is looked for
            self.wrong.append(f"{type(crash).__name__}: {crash} at {about}")
            return None
        self.verdicts["allowed"] += 1
        return result

    def show(self) -> None:
        """Prints the tally."""
        spent, count = time.perf_counter() - self._began, self.verdicts.total()
        each = spent / max(count, 1) * 1000
        print(
            f"{self.name}: {count:,} in {spent:.0f} s ({each:.2f} ms each), {len(self.wrong)} wrong"
        )
        print("   " + ", ".join(f"{rule} {n:,}" for rule, n in self.verdicts.most_common()))
        for line in self.wrong[:20]:
            print(f"   WRONG {line}")


def trees(count: int, chance: random.Random) -> Tally:
    """Spoils trees and judges them."""
    sources = [text.encode() for text in cases.ALLOWED]
    known = [json.dumps(parse(source, RULES.seconds)) for source in sources]
    spare = [node for tree in known for node in hostile.nodes_of(json.loads(tree))][::5]
    tally = Tally("spoiled trees")
    for _ in range(count):
        index = chance.randrange(len(known))
        tree = json.loads(known[index])
        hostile.spoil(chance, tree, spare)
        text = json.dumps(tree)  # what was put in twice becomes two, and no tree holds itself
        tally.judge(check_tree, json.loads(text), sources[index], RULES, about=text[:2000])
    return tally


def texts(count: int, chance: random.Random) -> Tally:
    """Judges texts of all kinds."""
    tally = Tally("texts")
    for _ in range(count):
        text = hostile.noise(chance) if chance.random() < 0.3 else _torn(chance)
        tally.judge(check_command, text, RULES, about=repr(text))
    return tally


def runs(count: int, chance: random.Random) -> Tally:
    """Runs what is allowed."""
    tally = Tally("commands, run where allowed")
    with tempfile.TemporaryDirectory() as folder:
        computer = machine.Machine(Path(folder))
        for _ in range(count):
            text = _torn(chance)
            checked = tally.judge(check_command, text, RULES, about=repr(text))
            if checked is None:
                continue
            more = computer.started(text) - machine.explained(checked.programs)
            if more and computer.agrees(checked):
                tally.wrong.append(f"{text!r} started {sorted(more)}")
            elif more:
                tally.verdicts["(seen by the second reading alone)"] += 1
                print(f"   the second reading alone saw {text!r}")
    return tally


def scripts(count: int, chance: random.Random) -> Tally:
    """Runs scripts of sed and awk that are allowed."""
    tally = Tally("scripts of sed and awk, run where allowed")
    with tempfile.TemporaryDirectory() as folder:
        computer = machine.Machine(Path(folder))
        for _ in range(count):
            tool, text = hostile.script(chance)
            command = f"{tool} {shlex.quote(text)} a.txt"
            if tally.judge(check_command, command, RULES, about=command) is None:
                continue
            more = computer.started(command) - {tool}
            if more:
                tally.wrong.append(f"{command} started {sorted(more)}")
    return tally


def _torn(chance: random.Random) -> str:
    text: str = hostile.tear(chance, hostile.compose(chance))
    return text


def main() -> int:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trees", type=int, default=200_000)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--scripts", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311 - chance, no secret
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}")
    tallies = []
    for function in (trees, texts, runs, scripts):
        count = getattr(chosen, function.__name__)
        if count:
            tally = function(count, random.Random(chosen.seed))  # noqa: S311 - as above
            tally.show()
            tallies.append(tally)
    return 1 if any(tally.wrong for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
