"""Which names that live for a time an action saw, so that a run that is run again sees the same.

The clock goes on while a worker is down: a value that an action has read, and sent off in a durable
call, may have expired when the run is run again. Were it gone then, the action would make another
call than the one that is recorded. So what was seen is part of the journal, and as far as that goes
it counts for more than the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.operator._run import Run

__all__ = ["Sights"]


class Sights:
    """What one attempt of an action task sees.

    Args:
        run: The run.
        task: The task's name.
    """

    __slots__ = ("_counts", "_run", "_task")

    def __init__(self, run: Run, task: str) -> None:
        self._run = run
        self._task = task
        self._counts: dict[str, int] = {}

    def __call__(self, name: str, gone: bool) -> bool:  # noqa: FBT001 - by the clock
        """Whether a name has expired for this attempt, the next time that it looks."""
        seen = self._run.journaled().sights(self._task).setdefault(name, [0])
        number = self._counts.get(name, 0)
        self._counts[name] = number + 1
        before = 0
        for turn, length in enumerate(seen):
            before += length
            if number < before:
                return turn % 2 == 1
        if (len(seen) % 2 == 0) != gone:
            seen.append(0)
        seen[-1] += 1
        return gone
