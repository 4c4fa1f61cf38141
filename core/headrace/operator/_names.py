"""Names of runs: by their inputs, so that an input that comes again has the name that it had.

A name is the digest of the job, the key and the input, and a number that tells equal inputs apart.
The number is a count of inputs whose digests fall into one of 256 classes; the counts are part of
the engine's state. So no two runs have one name, and the names of others do not change where inputs
come back in another order after the state was restored (but for the few of one class).

Where an action store is set, that is made exact. It tells which names runs had before they were
lost. A number that the counts have reached was given in the state that was restored: such a run is
pending there, or it is over. All others are *lost* runs, and an input of their content takes the
name, and with it the calls that had finished, whatever the order.
"""

from __future__ import annotations

import bisect
from array import array
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from headrace.values import Stored, digest

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

__all__ = ["Names", "content_of"]

_DIGITS = 32
"""Hexadecimal digits of a digest in a name: nobody finds two inputs of one name by trying."""
_CLASSES = 256


def content_of(identity: str, key_id: str, value: Stored) -> str:
    """The part of a name that says what the input is."""
    return digest([identity, key_id, value])[:_DIGITS]


class Names:
    """Gives the runs of one part of a job (on Flink: of a shard) their names.

    Args:
        identity: The job's.
        stored: What ``stored`` gave, from the engine's state.
        part: Which part it is.
    """

    __slots__ = ("_counts", "_identity", "_lost", "_passed", "changed", "part")

    def __init__(self, identity: str, stored: Stored = None, part: int = 0) -> None:
        self._identity = identity
        self.part = part
        self._counts = array("I", bytes(4 * _CLASSES))
        self._passed: set[str] = set()
        if stored is not None:
            self._counts = array("I", b64decode(stored["counts"]))
            self._passed.update(stored["passed"])
        self._lost: dict[str, list[int]] = {}
        self.changed = False

    def stored(self) -> Stored:
        """For the engine's state, in which it must change together with the inputs."""
        self.changed = False
        passed = [
            f"{content}-{number}"
            for content, numbers in self._lost.items()
            for number in numbers
            if number < self._counts[_class(content)]
        ]
        return {"counts": b64encode(self._counts).decode(), "passed": passed}

    def lose(self, kept: Iterable[str], pending: Container[str]) -> list[str]:
        """Takes the names that a store has entries of, once, before any name is given.

        Args:
            kept: The names.
            pending: Those of the runs that the state holds.

        Returns:
            The names whose runs are over: they can not come back.
        """
        over = []
        for name in kept:
            content, _, number = name.rpartition("-")
            if name in pending:
                continue
            if int(number) < self._counts[_class(content)] and name not in self._passed:
                over.append(name)
            else:
                bisect.insort(self._lost.setdefault(content, []), int(number))
        return over

    @property
    def any_lost(self) -> bool:
        """Whether inputs are still to come whose runs were lost."""
        return bool(self._lost)

    def give(self, key_id: str, value: Stored) -> tuple[str, bool]:
        """A name for an input, and whether it is that of a run that was lost."""
        content = content_of(self._identity, key_id, value)
        counts, at = self._counts, _class(content)
        self.changed = True
        lost = self._lost.get(content)
        if lost is None:
            counts[at] += 1
            return f"{content}-{counts[at] - 1}", False
        number = lost.pop(0)
        if not lost:
            del self._lost[content]
        counts[at] = max(counts[at], number + 1)
        return f"{content}-{number}", True


def _class(content: str) -> int:
    return int(content[:2], 16)
