"""What a job's zip costs: beside pex and beside a hand-made archive of the same wheels, warm.

The main job, with the engine in it. Before each build its code is changed; what was fetched and
unpacked before is cached for all three. It needs the package index.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from figures import Figure, alternating
from uv import find_uv_bin

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.jobs import Kit  # noqa: E402

__all__ = ["measure"]

_MB = 1_000_000
_LEVEL = 6
_AIM = 1 / 3


class _Places:
    """A locked project, its wheels, and the tools beside."""

    def __init__(self, folder: Path) -> None:
        self.kit = Kit(folder / "kit").make()
        self.project = self.kit.triage(folder / "triage")
        self.zip = folder / "job.zip"
        self.wheels = folder / "wheels"
        self.pex = folder / "pex"
        self.pexed = folder / "job.pex"
        self.tree = folder / "tree"
        self.archive = folder / "archive.zip"
        self.kit.build(self.project, output=self.zip)
        self._collect()
        _run((find_uv_bin(), "pip", "install", "-q", "pex", "--target", str(self.pex)), folder)

    def _collect(self) -> None:
        """The wheels that are in the zip, whole."""
        self.wheels.mkdir()
        with zipfile.ZipFile(self.zip) as archive:
            manifest = json.loads(archive.read("job.json"))
        for one in manifest["packages"]:
            cached = list((self.kit.cache / "wheels").glob(f"*/{one['sha256']}/*.whl"))
            vendored = self.project / "vendor" / one["wheel"]
            shutil.copy(cached[0] if cached else vendored, self.wheels / one["wheel"])

    def change(self) -> None:
        """Changes the job's code."""
        with (self.project / "triage_agent.py").open("a") as file:
            file.write(f"# {time.time_ns()}\n")

    def built(self) -> float:
        """``agents build``."""
        self.change()
        began = time.perf_counter()
        self.kit.agents("build", ".", "-o", self.zip, cwd=self.project)
        return time.perf_counter() - began

    def pexes(self) -> float:
        """``pex``, with the same wheels and the same code."""
        self.change()
        return _run(
            (
                *(sys.executable, "-m", "pex", *map(str, sorted(self.wheels.glob("*.whl")))),
                *("--intransitive", "--no-pypi", "--no-compile", "--pex-root"),
                *(str(self.pex / "root"), "-D", ".", "-o", str(self.pexed)),
            ),
            self.project,
            PYTHONPATH=str(self.pex),
        )

    def archived(self) -> float:
        """Installed into a folder, and that packed, as one does by hand."""
        self.change()
        shutil.rmtree(self.tree, ignore_errors=True)
        self.archive.unlink(missing_ok=True)
        began = time.perf_counter()
        _run(
            (
                *(find_uv_bin(), "pip", "install", "-q", "--no-deps", "--offline"),
                *("--python", sys.executable, "--target", str(self.tree)),
                *map(str, sorted(self.wheels.glob("*.whl"))),
            ),
            self.project,
        )
        with zipfile.ZipFile(
            self.archive, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL
        ) as archive:
            for top in (self.tree, self.project):
                for path in sorted(top.rglob("*")):
                    if path.is_file() and "vendor" not in path.relative_to(top).parts:
                        archive.write(path, str(path.relative_to(top)))
        return time.perf_counter() - began


def measure(*, quick: bool) -> list[Figure]:
    """The figures: all three in one go, alternating."""
    with tempfile.TemporaryDirectory() as folder:
        places = _Places(Path(folder).resolve())
        places.pexes()  # fills its caches
        places.archived()
        kinds = {"agents": places.built, "pex": places.pexes, "archive": places.archived}
        medians, seen = alternating(1 if quick else 5, kinds)
        sizes = {
            "agents": places.zip.stat().st_size / _MB,
            "pex": places.pexed.stat().st_size / _MB,
            "archive": places.archive.stat().st_size / _MB,
        }
        provided = places.zip.with_name("provided.zip")
        places.kit.build(places.project, "--engine", "provided", output=provided)
        small = provided.stat().st_size / _MB
    name = "agents build, warm, code changed"
    found = [Figure(name, medians["agents"], "s", "3 s", 3, 1, higher_is_better=False, rounds=seen)]
    told = {"pex": "pex, the same wheels", "archive": "installed and zipped by hand"}
    for kind, text in told.items():
        figure = Figure(
            name, medians["agents"], "s", text, medians[kind], _AIM, higher_is_better=False
        )
        found.append(figure)
    size = "the main job's zip"
    found += [
        Figure(size, sizes["agents"], "MB", text, sizes[kind], 1, higher_is_better=False)
        for kind, text in told.items()
    ]
    return [
        *found,
        Figure(size, sizes["agents"], "MB", "80 MB", 80, 1, higher_is_better=False),
        Figure(f"{size}, engine provided", small, "MB", "15 MB", 15, 1, higher_is_better=False),
    ]


def _run(command: tuple[str, ...], folder: Path, **more: str) -> float:
    began = time.perf_counter()
    hidden = ("VIRTUAL_ENV", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        command, cwd=folder, env={**kept, **more}, capture_output=True, text=True, check=False
    )
    spent = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command[:6])} ... failed:\n{done.stderr}")
    return spent


if __name__ == "__main__":
    from figures import table

    print(table(measure(quick="--quick" in sys.argv)))
