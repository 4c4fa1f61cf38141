"""What tests of examples share: `agents run` of an example's folder, away from its own files."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Ran:
    """What a run of an example left."""

    outputs: list[Any]
    letters: list[Any]
    said: str


def agents(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs ``agents`` in a process of its own; it must end well."""
    command = [sys.executable, "-c", "from headrace_cli.main import main; main()"]
    run = subprocess.run(
        [*command, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=580,  # Flink on a busy machine
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run


def run_example(target: str, folder: Path, *arguments: object) -> Ran:
    """Runs an example (``NAME`` or ``NAME/FILE.py:AGENT``); its files go to ``folder``."""
    output, letters = folder / "outputs.jsonl", folder / "letters.jsonl"
    files = ("--output", output, "--dead-letters", letters)
    run = agents("run", EXAMPLES / target, *files, *arguments, cwd=folder)
    return Ran(lines(output), lines(letters), run.stderr)


def lines(path: Path) -> list[Any]:
    """The values of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def example():
    """Runs an example: see ``run_example``."""
    return run_example


@pytest.fixture(scope="session")
def agents_command():
    """Runs ``agents``."""
    return agents
