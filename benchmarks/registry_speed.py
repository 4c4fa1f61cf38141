"""A registry of 1,000 wheels in 250 packages: built cold, one wheel added, nothing changed.

Each wheel holds a skill of a few kilobytes, with a script, as they are met; each is checked and
audited. The command line is timed as a whole, Python's start included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from figures import Figure, table

__all__ = ["measure"]

VERSIONS = 4
TIMES = 5
AGENTS = [sys.executable, "-c", "from headrace_cli.main import main; main()"]
SKILL = """\
---
name: {name}
description: Reads the logs of system {number}. Use it when a log of it is to be looked at.
license: Apache-2.0
metadata:
  version: "{version}"
  headrace-commands: "jq"
---
# Logs of system {number}

1. Run `scripts/read.py LOG` and look at what it prints.
2. Tell what went wrong, when, and which part of the system it was.

{text}
"""
SCRIPT = """\
import json
import re
import sys

LINE = re.compile(r"(?P<time>[0-9:.]+) (?P<level>[A-Z]+) (?P<text>.*)")
found = [match.groupdict() for line in open(sys.argv[1]) if (match := LINE.match(line))]
json.dump([one for one in found if one["level"] in ("ERROR", "WARN")], sys.stdout)
"""


def measure(*, quick: bool) -> list[Figure]:
    """The figures, each beside what the issue asks for."""
    count = 100 if quick else 1_000
    with tempfile.TemporaryDirectory(prefix="headrace-bench-") as scratch:
        folder = Path(scratch)
        wheels = _wheels(folder, count)
        site = folder / "site"
        cold = _timed("build", wheels[:-1], site)
        added = median(_added(wheels[-1], folder, number) for number in range(TIMES))
        again = _timed("build", wheels, site)
        same = median(_timed("build", wheels, site) for _ in range(TIMES))
        probe = _written(site)
    told = f"registry of {count:,} wheels"
    return [
        Figure(f"{told}, cold", cold, "s", "20 s", 20, 1, higher_is_better=False),
        Figure(f"{told}, one published", added, "s", "1 s", 1, 1, higher_is_better=False),
        Figure(f"{told}, one more of all given", again, "s", "1 s", 1, None),
        Figure(f"{told}, nothing changed", same, "s", "1 s", 1, None),
        Figure(f"{told}, its files written and flushed", cold, "s", "the bare files", probe, None),
    ]


def _wheels(folder: Path, count: int) -> list[Path]:
    from headrace_skills.packing import pack

    found = []
    for number in range(count):
        name, version = f"logs-{number // VERSIONS}", f"1.{number % VERSIONS}"
        skill = folder / "skills" / version / name
        (skill / "scripts").mkdir(parents=True)
        text = "\n".join(f"- A line like {number + n} is of no concern." for n in range(40))
        said = SKILL.format(name=name, number=number, version=version, text=text)
        (skill / "SKILL.md").write_text(said)
        (skill / "scripts" / "read.py").write_text(SCRIPT)
        found.append(pack([skill]).wheel.write(folder / "dist"))
    return found


def _timed(command: str, wheels: list[Path], site: Path) -> float:
    arguments = [*AGENTS, "registry", command, *map(str, wheels), "-o", str(site), "--json"]
    began = time.perf_counter()
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, env=_environment(site.parent))
    return time.perf_counter() - began


def _added(wheel: Path, folder: Path, number: int) -> float:
    """Publishes a wheel of a new version; another one each time."""
    from headrace_skills.packing import pack

    (skill,) = (folder / "skills").glob(f"{wheel.name.split('-')[1]}/logs-{_last(wheel)}")
    new = pack([skill], version=f"2.{number}").wheel.write(folder / "new")
    arguments = [*AGENTS, "registry", "publish", str(new), "--to", str(folder / "site"), "--json"]
    began = time.perf_counter()
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL, env=_environment(folder))
    return time.perf_counter() - began


def _environment(folder: Path) -> dict[str, str]:
    """As an installed headrace has it: with bytecode."""
    more = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    return {**os.environ, **more, "XDG_CACHE_HOME": str(folder / "cache")}


def _last(wheel: Path) -> str:
    return wheel.name.partition("-")[0].rpartition("_")[2]


def _written(site: Path) -> float:
    """The same bytes written and flushed, with nothing else done."""
    contents = [one.read_bytes() for one in site.rglob("*") if one.is_file()]
    target = site.parent / "bare"
    target.mkdir()
    began = time.perf_counter()
    for number, data in enumerate(contents):
        (target / str(number)).write_bytes(data)
    os.sync()
    return time.perf_counter() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Times a registry of 1,000 wheels.")
    parser.add_argument("--quick", action="store_true", help="100 wheels")
    given = parser.parse_args()
    figures = measure(quick=given.quick)
    print(json.dumps([one.as_dict() for one in figures], indent=1))
    print(table(figures), file=sys.stderr)
