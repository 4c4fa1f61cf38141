"""What a worker knows of completed checkpoints, and so of what can not be undone any more.

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
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from headrace.values import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Covered", "marks_folder"]

Thing = TypeVar("Thing")

_MARK_SECONDS = 0.2
_LOOK_SECONDS = 0.5
_URGENT_MARK_SECONDS = 0.02
"""What has come since the last mark waits for one more checkpoint, if this one comes before."""
_URGENT_LOOK_SECONDS = 0.1
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


class Covered(Generic[Thing]):
    """What a worker has put into its state, until a complete checkpoint has it.

    Args:
        folder: Where marks become visible; ``None``: nowhere, so nothing is ever known.
        clock: Seconds.
    """

    def __init__(self, folder: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = None if folder is None else Path(folder)
        self._clock = clock
        self._me = uuid4().hex
        self._number = 0
        self._new: list[Thing] = []
        self._marked: deque[tuple[int, list[Thing]]] = deque()
        self._last_mark = self._last_look = clock()
        self._urgent = 0  # the number of the last mark that somebody waits for

    def over(self, thing: Thing, *, urgent: bool = False) -> None:
        """Takes what is in the state by now: a run that is over, an effect that is held back.

        Args:
            thing: What it is.
            urgent: Whether something waits for the checkpoint.
        """
        if self._folder is not None:
            self._new.append(thing)
            if urgent:
                self._urgent = self._number + 1

    @property
    def to_mark(self) -> bool:
        """Whether something urgent has no mark yet."""
        return self._urgent > self._number

    def mark(self) -> str | None:
        """A mark to put out now, in any turn of the worker; ``None``: not now."""
        now = self._clock()
        pause = _URGENT_MARK_SECONDS if self.to_mark else _MARK_SECONDS
        if not self._new or now - self._last_mark < pause:
            return None
        self._last_mark = now
        self._number += 1
        self._marked.append((self._number, self._new))
        self._new = []
        return f"{self._me} {self._number}"

    def complete(self) -> list[Thing]:
        """What is in a complete checkpoint, each thing told once, in order."""
        now = self._clock()
        waited_for = bool(self._marked) and self._marked[0][0] <= self._urgent
        pause = _URGENT_LOOK_SECONDS if waited_for else _LOOK_SECONDS
        if not self._marked or now - self._last_look < pause:
            return []
        self._last_look = now
        seen = self._look()
        things: list[Thing] = []
        while self._marked and self._marked[0][0] <= seen:
            things += self._marked.popleft()[1]
        return things

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
