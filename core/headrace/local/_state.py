"""Where the local engine keeps keys' memory: in this process, or in a SQLite file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.memory import Changes, apply_changes, purge
from headrace.operator import Names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from headrace.operator import Effect, RunInput
    from headrace.values import Stored

__all__ = ["MemoryState", "Pending", "State"]


@dataclass(frozen=True, slots=True)
class Pending:
    """An input that was read and whose run has not committed, with what its journal holds."""

    item: RunInput
    journal: Stored = None


class State(ABC):
    """The state of one job on one machine.

    What is told between two ``flush`` calls becomes permanent together, or not at all.
    """

    durable = False
    """Whether it outlives the process."""

    @abstractmethod
    def cells(self, key_id: str) -> Mapping[str, Stored]:
        """The cells of a key's short-term memory, not to be changed."""

    @abstractmethod
    def commit(self, item: RunInput, changes: Changes, lines: list[tuple[str, Any]]) -> None:
        """Takes what a run did: changed cells, and lines for streams by name."""

    def arrived(self, item: RunInput, position: Any) -> None:  # noqa: B027 - nothing to do here
        """Told of an input that was read; ``position`` is where its source goes on after it."""

    def moved(self, position: Any) -> None:  # noqa: B027
        """Told of an input that starts no run; as ``arrived``."""

    def told(self, lines: list[tuple[str, Any]]) -> None:  # noqa: B027
        """Takes lines for streams by name that wait for no commit."""

    def journal(self, item: RunInput, stored: Stored) -> None:  # noqa: B027
        """Takes the journal of a run that is under way."""

    def hold(self, effect: Effect) -> None:  # noqa: B027
        """Takes an effect of the run that was committed last; it has a number of its own."""

    def changed(self, effect: Effect) -> None:  # noqa: B027
        """Told of an effect that was tried in vain, and is tried again."""

    def drop(self, effect: Effect) -> None:  # noqa: B027
        """Told of an effect that is over."""

    def effects(self) -> Iterator[Effect]:
        """What an earlier process was to do and has not done, in order."""
        return iter(())

    def names(self, identity: str) -> Names:
        """Gives runs their names; it goes on where an earlier process left off."""
        return Names(identity)

    def flush(self) -> None:  # noqa: B027
        """Makes all that was told permanent."""

    def pending(self) -> Iterator[Pending]:
        """What an earlier process left unfinished, in order."""
        return iter(())

    def position(self) -> Any:
        """Where the source goes on; ``None``: at its start."""
        return None

    @property
    def next_sequence(self) -> int:
        """A number above all that were given to inputs."""
        return 0

    def close(self) -> None:  # noqa: B027
        """Flushes and closes."""


class MemoryState(State):
    """State in this process's memory, gone with it."""

    def __init__(
        self, clock: Callable[[], float], deliver: Callable[[list[tuple[str, Any]]], object]
    ) -> None:
        self._keys: dict[str, dict[str, Stored]] = {}
        self._clock = clock
        self._deliver = deliver
        self._lines: list[tuple[str, Any]] = []
        self._expiring: set[str] = set()
        self._commits = 0

    def cells(self, key_id: str) -> Mapping[str, Stored]:
        """The cells of a key."""
        return self._keys.get(key_id, {})

    def commit(self, item: RunInput, changes: Changes, lines: list[tuple[str, Any]]) -> None:
        """Takes what a run did."""
        if changes:
            cells = self._keys.setdefault(item.key_id, {})
            apply_changes(cells, changes)
            if any(type(cell) is dict and cell.get("$") == "ttl" for cell in changes.values()):
                self._expiring.add(item.key_id)
            if not cells:
                del self._keys[item.key_id]
        self._lines += lines
        self._commits += 1
        if self._expiring and self._commits % 1024 == 0:
            self._sweep()

    def told(self, lines: list[tuple[str, Any]]) -> None:
        """Takes lines that wait for no commit."""
        self._lines += lines

    def flush(self) -> None:
        """Hands on the lines."""
        if self._lines:
            lines, self._lines = self._lines, []
            self._deliver(lines)

    def _sweep(self) -> None:
        """Drops expired cells, so that keys that never come back do not stay for ever."""
        now = self._clock()
        for key_id in list(self._expiring):
            cells = self._keys.get(key_id, {})
            purge(cells, now)
            if not any(type(cell) is dict and cell.get("$") == "ttl" for cell in cells.values()):
                self._expiring.discard(key_id)
            if not cells:
                self._keys.pop(key_id, None)
