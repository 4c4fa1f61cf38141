"""What a job with bounded inputs leaves: effects of its last seconds, as files by its checkpoints.

A job's last checkpoint is complete when its workers are ending, and what is sure by then they can
not do any more. So with the last input they put their effects out, and Flink's file sink makes
that visible with the last checkpoint. Who runs the job in one process does them then; else the next
start of the job does. What is done is noted in a file beside, so that who comes later goes on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from headrace.local._turning import TurnedLoop
from headrace.operator import Effect, Operator, Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.plan import AgentPlan

__all__ = ["Left", "do_left", "left_folder"]

_DONE = "done-"


def left_folder(marks: str) -> str:
    """Where a job leaves its effects, by where its marks go."""
    return str(Path(marks).parent.parent / "headrace-outbox" / Path(marks).name)


class Left:
    """The effects that a job has left.

    Args:
        folder: Where they are.
        mine: Whether this worker does the effects of a key.
    """

    def __init__(self, folder: str | Path, mine: Callable[[str], bool] = lambda _: True) -> None:
        self._folder = Path(folder)
        self._mine = mine
        self._notes: Path | None = None
        self._files: dict[Path, set[str]] = {}

    def read(self) -> list[Effect]:
        """Those that were not done yet, in the order of each key."""
        done: set[str] = set()
        for notes in self._folder.glob(f"{_DONE}*"):
            done.update(notes.read_text(encoding="utf-8").splitlines())
        found = []
        for path in sorted(self._folder.glob("*/[!.]*")):
            lines = path.read_text(encoding="utf-8").splitlines()
            effects = [Effect.read(json.loads(line)) for line in lines]
            self._files[path] = {_name(effect) for effect in effects} - done
            found += [one for one in effects if _name(one) not in done and self._mine(one.key_id)]
        self._tidy()
        for effect in found:
            effect.again = True
        return found

    def done(self, effect: Effect) -> None:
        """Notes that an effect is over."""
        if self._notes is None:
            self._notes = self._folder / f"{_DONE}{uuid4().hex}"
        with self._notes.open("a", encoding="utf-8") as notes:
            notes.write(f"{_name(effect)}\n")
        for names in self._files.values():
            names.discard(_name(effect))
        self._tidy()

    def _tidy(self) -> None:
        """Drops files of which everything is done; what others have done is noted by them."""
        for path in [path for path, names in self._files.items() if not names]:
            path.unlink(missing_ok=True)
            del self._files[path]


def do_left(
    plan: AgentPlan, folder: str | Path, letter: Callable[[dict[str, Any]], None]
) -> tuple[int, int]:
    """Does what a job has left, in this process.

    Args:
        plan: The agent.
        folder: Where it is.
        letter: Takes the dead letters of what is given up.

    Returns:
        How many effects were done, and how many given up.
    """
    left = Left(folder)
    effects = left.read()
    if not effects:
        return 0, 0
    turning = TurnedLoop()
    given_up = 0

    def ended(effect: Effect, _end: str, dead: dict[str, Any] | None) -> None:
        nonlocal given_up
        if dead is not None:
            given_up += 1
            letter(dead)
        left.done(effect)
        turning.wake()

    operator = Operator(plan, turning.loop, on_done=lambda _: None)
    outbox = Outbox(operator, ended, lambda _: None)
    try:
        for effect in effects:
            outbox.add(effect)
        while outbox:
            turning.wait()
    finally:
        turning.run(outbox.close())
        turning.run(operator.close())
        turning.close()
    return len(effects) - given_up, given_up


def _name(effect: Effect) -> str:
    return f"{effect.run}/{effect.id}"
