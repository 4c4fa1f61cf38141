"""The main job at full speed for a long time: whether memory, files, threads and state stay flat.

The logs of the main job (``examples/incident_triage``) are given to it again and again through its
stdin. While it runs, its process is looked at; what the last third of the time shows is held
against the third before it, when everything has warmed up.

    python benchmarks/soak.py --minutes 60

prints both and their ratio, and ends with 1 where one has grown by more than a tenth.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[1]
JOB = ROOT / "examples" / "incident_triage"
LOGS = JOB / "data" / "flink-logs.jsonl"
_GROWTH = 1.1
_SAMPLES = 300


@dataclass(frozen=True, slots=True)
class Sample:
    """The process at one moment."""

    memory: float
    """Resident, in MiB."""
    files: float
    """Handles."""
    threads: float
    """How many."""
    state: float
    """The state file and its log, in MiB."""
    inputs: float
    """Inputs a second since the sample before."""


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description="Runs the main job for a long time.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    samples, given_inputs = soak(given.minutes * 60)
    told = compared(samples)
    if given.json:
        print(json.dumps({"inputs": given_inputs, "measures": told}, indent=1))
    else:
        print(f"{given_inputs} inputs in {given.minutes:g} minutes\n")
        print("| what | second third | last third | ratio |\n|---|---|---|---|")
        for name, (before, after, ratio) in told.items():
            print(f"| {name} | {before:.1f} | {after:.1f} | {ratio:.3f} |")
    grown = [name for name, (*_, ratio) in told.items() if ratio > _GROWTH and name != "inputs"]
    if grown:
        sys.exit(f"not flat: {', '.join(grown)}")


def soak(seconds: float) -> tuple[list[Sample], int]:
    """Runs the job so long, and gives what was seen, and how many inputs it was given."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state.db"
        command = [
            *(str(Path(sys.executable).parent / "agents"), "run", str(JOB), "--input", "-"),
            *("--state", str(state), "--output", "/dev/null", "--quiet"),
            *("--dead-letters", f"{folder}/dead-letters.jsonl"),
        ]
        process = subprocess.Popen(command, stdin=subprocess.PIPE)
        assert process.stdin is not None
        feeder = _Feeder(process.stdin)
        feeder.start()
        try:
            samples = _watched(process.pid, state, feeder, seconds)
        finally:
            feeder.stop()
        if code := process.wait(60):
            sys.exit(f"the job ended with {code}")
        return samples, feeder.given


def compared(samples: list[Sample]) -> dict[str, tuple[float, float, float]]:
    """The medians of the second and the last third, and their ratio."""
    third = len(samples) // 3
    found = {}
    for name in Sample.__slots__:
        before = statistics.median(getattr(one, name) for one in samples[third : 2 * third])
        after = statistics.median(getattr(one, name) for one in samples[2 * third :])
        found[name] = (before, after, after / before if before else 1.0)
    return found


class _Feeder(threading.Thread):
    """Gives a job its inputs for as long as it takes them."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.given = 0
        self._stream = stream
        self._lines = LOGS.read_bytes().splitlines(keepends=True)
        self._over = False

    def run(self) -> None:
        """Until it is stopped."""
        while not self._over:
            for start in range(0, len(self._lines), 100):
                some = self._lines[start : start + 100]
                if self._over:
                    break
                self._stream.write(b"".join(some))
                self.given += len(some)
        self._stream.close()

    def stop(self) -> None:
        """Ends the inputs."""
        self._over = True
        self.join(60)


def _watched(pid: int, state: Path, feeder: _Feeder, seconds: float) -> list[Sample]:
    samples: list[Sample] = []
    end = time.monotonic() + seconds
    given, at = feeder.given, time.monotonic()
    while time.monotonic() < end:
        time.sleep(seconds / _SAMPLES)
        now = time.monotonic()
        samples.append(_sample(pid, state, (feeder.given - given) / (now - at)))
        given, at = feeder.given, now
    return samples


def _sample(pid: int, state: Path, inputs: float) -> Sample:
    status: dict[str, Any] = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    size = sum(one.stat().st_size for one in state.parent.glob("state.db*"))
    return Sample(
        memory=int(status["VmRSS"].split()[0]) / 1024,
        files=files,
        threads=int(status["Threads"]),
        state=size / 2**20,
        inputs=inputs,
    )


if __name__ == "__main__":
    main()
