"""What a worker knows of completed checkpoints, and so of runs that can not come back.

PyFlink does not tell a Python function that a checkpoint is complete. Flink's own file sink is
told, and shows it: it makes a file visible when the checkpoint that covers its lines is complete.
So the function puts out *marks* now and then, lines that name the worker and a number; they go to
a folder beside the checkpoints; and a worker that finds its mark there knows that all it did before
it put that out is in a complete checkpoint. No clock is asked, and no checkpoint's number guessed.
"""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from headrace.values import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Covered", "marks_folder"]

_MARK_SECONDS = 0.2
_LOOK_SECONDS = 0.5
_STALE_SECONDS = 3600.0
"""After so long, marks are those of a worker that is no more."""


def marks_folder(configuration: Mapping[str, str], identity: str) -> str | None:
    """Where the marks of a job go: beside its checkpoints, where those are files of the machines.

    Args:
        configuration: Flink's.
        identity: The job's.
    """
    place = configuration.get("execution.checkpointing.dir") or configuration.get(
        "state.checkpoints.dir", ""
    )
    parts = urlsplit(place)
    if parts.scheme not in {"", "file"} or not parts.path.startswith("/"):
        return None
    return str(Path(unquote(parts.path)) / "headrace-marks" / digest(identity)[:16])


class Covered:
    """The runs of one worker that are over, until a complete checkpoint has their ends.

    Args:
        folder: Where marks become visible; ``None``: nowhere, so nothing is ever known.
        clock: Seconds.
    """

    def __init__(self, folder: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = None if folder is None else Path(folder)
        self._clock = clock
        self._me = uuid4().hex
        self._number = 0
        self._new: list[str] = []
        self._marked: deque[tuple[int, list[str]]] = deque()
        self._last_mark = self._last_look = clock()

    def over(self, run: str) -> None:
        """Takes the name of a run whose end is in the state by now."""
        if self._folder is not None:
            self._new.append(run)

    def mark(self) -> str | None:
        """A mark to put out now, in any turn of the worker; ``None``: not now."""
        now = self._clock()
        if not self._new or now - self._last_mark < _MARK_SECONDS:
            return None
        self._last_mark = now
        self._number += 1
        self._marked.append((self._number, self._new))
        self._new = []
        return f"{self._me} {self._number}"

    def complete(self) -> list[str]:
        """The runs whose ends are in a complete checkpoint, each told once."""
        now = self._clock()
        if not self._marked or now - self._last_look < _LOOK_SECONDS:
            return []
        self._last_look = now
        seen = self._look()
        names: list[str] = []
        while self._marked and self._marked[0][0] <= seen:
            names += self._marked.popleft()[1]
        return names

    def _look(self) -> int:
        """The highest of the worker's own numbers that is visible; drops the files it has read."""
        highest = 0
        assert self._folder is not None  # noqa: S101 - there are marks
        for path in self._folder.glob("*/[!.]*"):
            try:
                lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
                mine = [int(number) for owner, number in lines if owner == self._me]
                stale = time.time() - path.stat().st_mtime > _STALE_SECONDS
                if stale or len(mine) == len(lines):
                    path.unlink(missing_ok=True)
            except (OSError, ValueError):
                continue  # another worker has dropped it, or it is nobody's mark
            highest = max([highest, *mine])
        return highest
