"""What starting costs: importing headrace, finding plugins among 500 distributions, the command."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from figures import Figure, alternating

__all__ = ["measure"]

DISTRIBUTIONS = 500
PLUGINS = 25
AGENT = "from headrace import Agent, Context, InputEvent, OutputEvent, action"
IMPORTED = """
import json, os, time
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
before = resident()
began = time.perf_counter()
%s
spent = time.perf_counter() - began
print(json.dumps([spent * 1000, (resident() - before) / 2**20]))
"""
DISCOVERED = """
import json, time
from headrace.plugins import discover
discover()
spent = []
for _ in range(9):
    began = time.perf_counter()
    found = discover()
    spent.append(time.perf_counter() - began)
assert sum(name.startswith("bench") for name in found.names("tools")) == %d
print(json.dumps(sorted(spent)[4] * 1000))
"""


def fill(folder: Path) -> None:
    """Writes metadata of 500 distributions, some of them with a plugin."""
    for number in range(DISTRIBUTIONS):
        name = f"bench-{number}"
        info = folder / f"bench_{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "RECORD").write_text("")
        if number < PLUGINS:
            text = f"[headrace.tools]\nbench{number} = bench_{number}:Tool\n"
        else:
            text = f"[console_scripts]\nbench{number} = bench_{number}:main\n"
        (info / "entry_points.txt").write_text(text)


def said(code: str, environment: dict[str, str]) -> Any:
    """What a program prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return json.loads(done.stdout)


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """How long a command takes."""
    began = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True, env=environment)
    return time.perf_counter() - began


def measure(*, quick: bool) -> list[Figure]:
    """All of it."""
    rounds = 7 if quick else 21
    agents = str(Path(sys.executable).with_name("agents"))
    with tempfile.TemporaryDirectory() as scratch:
        site, cache = Path(scratch) / "site", Path(scratch) / "cache"
        site.mkdir()
        fill(site)
        environment = {
            **os.environ,
            "PYTHONPATH": str(site),
            "XDG_CACHE_HOME": str(cache),
            # Installed packages have their bytecode; a checkout gets it here.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(Path(scratch) / "bytecode"),
        }
        ours, agents_own, pydantics = (
            [
                statistics.median(column)
                for column in zip(
                    *(said(IMPORTED % code, environment) for _ in range(rounds)), strict=True
                )
            ]
            for code in ("import headrace", AGENT, "from pydantic import BaseModel")
        )
        found = statistics.median(said(DISCOVERED % PLUGINS, environment) for _ in range(rounds))
        took, seen = alternating(
            rounds,
            {
                "pass": lambda: seconds([sys.executable, "-c", "pass"], environment),
                "version": lambda: seconds([agents, "--version"], environment),
                "help": lambda: seconds([agents, "--help"], environment),
                "list": lambda: seconds([agents, "plugins", "list"], environment),
                "skills": lambda: seconds([agents, "skills", "list"], environment),
            },
        )
    lower = {"higher_is_better": False}
    python = "`python -c pass`, s"
    return [
        Figure("`import headrace`", ours[0], "ms", "150 ms", 150, target=1, **lower),
        Figure("`import headrace`, memory", ours[1], "MiB", "30 MiB", 30, target=1, **lower),
        Figure(
            "the names that an agent's module imports",
            agents_own[0],
            "ms",
            "`from pydantic import BaseModel`",
            pydantics[0],
            target=None,
            **lower,
        ),
        Figure(
            f"discovery, warm, {DISTRIBUTIONS} distributions",
            found,
            "ms",
            "15 ms",
            15,
            target=1,
            **lower,
        ),
        Figure(
            "`agents --version`",
            took["version"],
            "s",
            python,
            took["pass"],
            target=8,
            rounds=seen,
            **lower,
        ),
        Figure(
            f"`agents plugins list`, {DISTRIBUTIONS} distributions",
            took["list"],
            "s",
            python,
            took["pass"],
            target=15,
            rounds=seen,
            **lower,
        ),
        Figure("`agents --help`", took["help"] * 1000, "ms", "120 ms", 120, target=1, **lower),
        Figure(
            f"`agents skills list`, {DISTRIBUTIONS} distributions",
            took["skills"] * 1000,
            "ms",
            "200 ms",
            200,
            target=1,
            **lower,
        ),
    ]
