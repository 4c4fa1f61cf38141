"""The job over numbers (``sources/numbered.py``), and what is to be seen of it from outside."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .conftest import Zips

SOURCE = Path(__file__).with_name("sources") / "numbered.py"
SETTINGS = {
    "execution.checkpointing.interval": "1s",
    # A checkpoint waits for the bundle under way, and the elements of this one take their time.
    "python.fn-execution.bundle.size": "20",
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "1000",
    "restart-strategy.fixed-delay.delay": "200ms",
}
OPTIONS = [one for name, value in SETTINGS.items() for one in ("--set", f"{name}={value}")]
"""For ``agents submit``."""


@dataclass(frozen=True)
class Call:
    """A durable call that was made."""

    name: str
    number: int
    at: float
    execution: str
    """By which execution of the job's agent: each start of it, in each slot, is another one."""


class Numbered:
    """One stream of numbers; its job may come in several versions.

    Args:
        folder: Where it writes.
        zips: Builds it.
        numbers: How many there are.
        pause: Seconds between two numbers of a subtask.
        later: The same, for the second half of a subtask's numbers.
    """

    def __init__(
        self, folder: Path, zips: Zips, *, numbers: int, pause: float, later: float | None = None
    ) -> None:
        self.folder = folder
        self.numbers = numbers
        self.keys = 997
        self._zips = zips
        self._pause = pause
        self._later = pause if later is None else later
        self._counted: dict[Path, int] = {}
        self._calls: list[Call] = []
        self._read = 0

    def build(
        self, version: str = "v1", *, broken: bool = False, shards: int = 32, agent: str = "Numbers"
    ) -> Path:
        """The zip of a version."""
        place = {
            "BROKEN": broken,
            "FOLDER": str(self.folder),
            "KEYS": self.keys,
            "LATER": self._later,
            "LINGER": 2.5,
            "NUMBERS": self.numbers,
            "PAUSE": self._pause,
            "SHARDS": shards,
            "VERSION": version,
        }
        lines = "".join(f"{name} = {value!r}\n" for name, value in place.items())
        source = SOURCE.read_text().replace("Numbers(", f"{agent}(")
        return self._zips.build(source, "jobs:numbers", files={"place.py": lines})

    def hurry(self) -> None:
        """Has the rest of the stream come without pauses."""
        (self.folder / "hurry").touch()

    def outputs(self) -> list[dict[str, Any]]:
        """What is committed."""
        from .conftest import read_lines

        return [json.loads(line) for line in read_lines(self.folder / "out")]

    def progress(self) -> int:
        """How many outputs are committed; a part that is never changes."""
        for path in self.folder.glob("out/*/part-*"):
            if path not in self._counted:
                self._counted[path] = path.read_bytes().count(b"\n")
        return sum(self._counted.values())

    def calls(self) -> list[Call]:
        """The calls that were made up to now."""
        path = self.folder / "calls"
        if path.exists():
            with path.open("rb") as file:
                file.seek(self._read)
                lines, newline, _ = file.read().rpartition(b"\n")
            self._read += len(lines) + len(newline)
            self._calls += [Call(*json.loads(line)) for line in lines.splitlines()]
        return self._calls

    def faults(self) -> dict[str, list[int]]:
        """Numbers of which something is wrong, by what that is; nothing, if all is as it should be.

        Memory is right if the counts that the numbers of a key were given are 1, 2, 3 ...
        """
        outputs = self.outputs()
        times = Counter(one["number"] for one in outputs)
        counts = defaultdict(list)
        for one in outputs:
            counts[one["number"] % self.keys].append(one["count"])
        known = range(self.numbers)
        found = {
            "lost": [one for one in known if not times[one]],
            "doubled": [one for one in known if times[one] > 1],
            "unknown": [one for one in times if one not in known],
            "other answers": [
                one["number"]
                for one in outputs
                if one["calls"] != [f"first {one['number']}", f"second {one['number']}"]
            ],
            "memory": [
                key for key, seen in counts.items() if sorted(seen) != [*range(1, len(seen) + 1)]
            ],
        }
        return {what: which for what, which in found.items() if which}
