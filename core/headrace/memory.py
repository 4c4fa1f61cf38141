"""Memory of a key (short-term) or of one run (sensory): a mapping whose values are checked.

Values are copied in and out, so that one changed after it was set does not change memory. What an
action writes is seen by itself at once, by later steps of its run when its step ends, and by later
runs when its run commits.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, Final

from headrace.errors import MemoryConflictError, MemoryValueError, StateError
from headrace.values import Stored, decode, encode

__all__ = ["DELETED", "Changes", "Memory", "Name", "apply_changes", "live", "merge", "purge"]

Name = str | tuple[str, ...]
"""A name in memory: a text, or a path of texts (``memory["orders", "o-1", "total"]``)."""

_SEPARATOR: Final = "\x1f"  # ASCII's unit separator joins the parts of a path


class _Deleted:
    """The mark of a deleted name in a set of changes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "DELETED"

    def __reduce__(self) -> str:
        return "DELETED"


DELETED: Final = _Deleted()
Changes = dict[str, Any]
"""What a run changed: a name's new cell, or ``DELETED``."""


def live(cell: Stored, now: float) -> bool:
    """Whether a cell has not expired at ``now`` (seconds since the epoch)."""
    return not (type(cell) is dict and cell.get("$") == "ttl" and cell["e"] <= now)


def purge(cells: dict[str, Stored], now: float) -> bool:
    """Drops the expired cells of a key; says whether there were any."""
    dead = [name for name, cell in cells.items() if not live(cell, now)]
    for name in dead:
        del cells[name]
    return bool(dead)


def apply_changes(cells: dict[str, Stored], changes: Changes) -> None:
    """Carries a run's changes over to the cells of its key, in place."""
    for name, cell in changes.items():
        if cell is DELETED:
            cells.pop(name, None)
        else:
            cells[name] = cell


def merge(into: Changes, changes: Changes, written_by: dict[str, str], action: str) -> None:
    """Adds what one action of a step wrote to what its step wrote so far.

    Args:
        into: The changes of the run up to here, changed in place.
        changes: What the action wrote.
        written_by: Which action of this step wrote a name, changed in place.
        action: The action's name.

    Raises:
        MemoryConflictError: Another action of the same step wrote another value to a name: which of
            the two is right cannot be known, and the slower one must not win by chance.
    """
    for name, cell in changes.items():
        other = written_by.setdefault(name, action)
        if other != action and _lasting(into.get(name)) != _lasting(cell):
            shown = name.replace(_SEPARATOR, "/")
            raise MemoryConflictError(
                f"the actions {other!r} and {action!r} ran in the same step and both wrote "
                f"{shown!r} in memory. Let one action write it, give each a name of its own, "
                "or let one trigger the other by an event."
            )
        into[name] = cell


def _lasting(cell: Any) -> Any:
    """A cell without its expiry: two actions set one value at two moments."""
    return cell["v"] if type(cell) is dict and cell.get("$") == "ttl" else cell


class Memory(MutableMapping[Name, Any]):
    """A mapping from names to values, over what the run saw when the step began."""

    __slots__ = ("_changes", "_earlier", "_now", "_prefix", "_stored", "_ttl")

    def __init__(
        self,
        stored: Mapping[str, Stored],
        earlier: Changes,
        *,
        now: Callable[[], float],
        ttl: float | None = None,
        changes: Changes | None = None,
        prefix: str = "",
    ) -> None:
        self._stored = stored
        self._earlier = earlier
        self._changes: Changes = {} if changes is None else changes
        self._now = now
        self._ttl = ttl
        self._prefix = prefix

    @property
    def changes(self) -> Changes:
        """What was written through this view."""
        return self._changes

    def at(self, *path: str) -> Memory:
        """The part of this memory below ``path``, as a memory of its own."""
        return Memory(
            self._stored,
            self._earlier,
            now=self._now,
            ttl=self._ttl,
            changes=self._changes,
            prefix=self._name(path) + _SEPARATOR,
        )

    def set(self, name: Name, value: Any, *, ttl: float | dt.timedelta | None = None) -> None:
        """Sets a name, for a time.

        Args:
            name: A text or a path of texts.
            value: What ``headrace.values.encode`` takes.
            ttl: How long it lives: seconds, or a ``timedelta``. ``None``: as the agent's
                ``short_term_ttl`` says, which by default is for ever.

        Raises:
            MemoryValueError: The value cannot be kept; the message names the nested place.
        """
        try:
            cell = encode(value)
        except MemoryValueError as error:
            raise MemoryValueError(f"memory[{name!r}]: {error}") from None
        seconds = ttl.total_seconds() if isinstance(ttl, dt.timedelta) else ttl
        if seconds is None:
            seconds = self._ttl
        if seconds is not None:
            if seconds <= 0:
                raise ValueError(f"memory[{name!r}]: a ttl must be above 0, got {seconds}")
            cell = {"$": "ttl", "v": cell, "e": self._now() + seconds}
        self._changes[self._name(name)] = cell

    def __getitem__(self, name: Name) -> Any:
        full = self._name(name)
        cell = self._changes.get(full)
        if cell is None and full not in self._changes:
            cell = self._earlier.get(full)
            if cell is None and full not in self._earlier:
                if full not in self._stored:
                    raise KeyError(name)
                cell = self._stored[full]
        if type(cell) is dict:
            if cell.get("$") == "ttl":
                if cell["e"] <= self._now():
                    raise KeyError(name)
                cell = cell["v"]
        elif cell is DELETED:
            raise KeyError(name)
        try:
            return decode(cell)
        except StateError as error:
            raise StateError(f"memory[{_shown(full)!r}]: {error}") from error

    def __setitem__(self, name: Name, value: Any) -> None:
        self.set(name, value)

    def __delitem__(self, name: Name) -> None:
        if name not in self:
            raise KeyError(name)
        self._changes[self._name(name)] = DELETED

    def __contains__(self, name: object) -> bool:
        return isinstance(name, (str, tuple)) and self._visible(self._name(name), self._now())

    def __iter__(self) -> Iterator[Name]:
        now = self._now()
        seen: dict[str, None] = dict.fromkeys((*self._stored, *self._earlier, *self._changes))
        for full in seen:
            if full.startswith(self._prefix) and self._visible(full, now):
                yield _shown(full[len(self._prefix) :])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Memory({dict(self)!r})"

    def _visible(self, full: str, now: float) -> bool:
        for layer in (self._changes, self._earlier, self._stored):
            if full in layer:
                cell = layer[full]
                return cell is not DELETED and live(cell, now)
        return False

    def _name(self, name: Name) -> str:
        parts = (name,) if isinstance(name, str) else name
        if not parts:
            raise ValueError("a path in memory needs at least one part")
        for part in parts:
            if not isinstance(part, str):
                raise TypeError(f"names in memory are texts, got {part!r} in {name!r}")
            if _SEPARATOR in part:
                raise ValueError("a name in memory cannot hold the control character U+001F")
        return self._prefix + _SEPARATOR.join(parts)


def _shown(full: str) -> Name:
    """A name as an agent writes it."""
    parts = tuple(full.split(_SEPARATOR))
    return parts[0] if len(parts) == 1 else parts
