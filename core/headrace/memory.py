"""Memory of a key (short-term) or of one run (sensory): a mapping whose values are checked.

Values are copied in and out, so that one changed after it was set does not change memory. What an
action writes is seen by itself at once, by later steps of its run when its step ends, and by later
runs when its run commits.
"""

from __future__ import annotations

import copy
import datetime as dt
import math
from collections.abc import Callable, Container, Iterator, Mapping, MutableMapping
from typing import Any, Final

from headrace.errors import MemoryConflictError, MemoryReferenceError, MemoryValueError, StateError
from headrace.lifetimes import Lifetime, Lifetimes, Refresh
from headrace.memory_refs import MemoryRef
from headrace.values import Stored, decode, digest, encode

__all__ = [
    "DELETED",
    "MEMBER",
    "SEPARATOR",
    "Changes",
    "Memory",
    "Name",
    "apply_changes",
    "lasting",
    "live",
    "merge",
    "path_of",
    "purge",
    "refresh",
    "root_of",
]

Name = str | tuple[str, ...]
"""A name in memory: a text, or a path of texts (``memory["orders", "o-1", "total"]``)."""

SEPARATOR: Final = "\x1f"
"""ASCII's unit separator joins the parts of a path."""
MEMBER: Final = "\x1d"
"""ASCII's group separator ends the name of a member or sub-agent whose memory begins there: no name
that an agent gives can have it, so none reaches into another one's memory."""
_ESCAPE: Final = "\x1e"  # stands before itself and, in a part, for the separators
_ESCAPED: Final = {_ESCAPE: _ESCAPE, SEPARATOR: "_", MEMBER: "="}
_FOR_EVER: Final = Lifetimes()
_NOTHING: Final = object()


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
        if other != action and lasting(into.get(name)) != lasting(cell):
            shown = "/".join(path_of(name))
            raise MemoryConflictError(
                f"the actions {other!r} and {action!r} ran in the same step and both wrote "
                f"{shown!r} in memory. Let one action write it, give each a name of its own, "
                "or let one trigger the other by an event."
            )
        into[name] = cell


def refresh(
    into: Changes,
    stored: Mapping[str, Stored],
    expiries: Mapping[str, float],
    written: Container[str],
) -> None:
    """Lets the time of names begin anew that an action of a step has read.

    Args:
        into: The changes of the run up to here, changed in place.
        stored: The cells of the key before the run.
        expiries: When the names that were read expire now, in seconds since the epoch.
        written: The names that the step wrote: a write counts for more than a read.
    """
    for name, expiry in expiries.items():
        cell = into[name] if name in into else stored.get(name)
        if name not in written and type(cell) is dict and "r" in cell:
            into[name] = {**cell, "e": max(expiry, cell["e"])}


def path_of(full: str) -> tuple[str, ...]:
    """The parts of a stored name."""
    parts = full.split(SEPARATOR)
    return tuple(map(_unescaped, parts) if _ESCAPE in full else parts)


def root_of(member: str) -> str:
    """What the stored names of a member, or of a sub-agent, begin with."""
    return "".join(_joined((part,)) + MEMBER for part in member.split("."))


def _unescaped(part: str) -> str:
    letters, meant = iter(part), {text: letter for letter, text in _ESCAPED.items()}
    return "".join(
        meant.get(next(letters, ""), _ESCAPE) if letter == _ESCAPE else letter for letter in letters
    )


def lasting(cell: Any) -> Any:
    """A cell without its expiry: two actions set one value at two moments."""
    return cell["v"] if type(cell) is dict and cell.get("$") == "ttl" else cell


class Memory(MutableMapping[Name, Any]):
    """A mapping from names to values, over what the run saw when the step began."""

    __slots__ = (
        "_changes",
        "_earlier",
        "_expiries",
        "_home",
        "_lifetimes",
        "_member",
        "_now",
        "_prefix",
        "_reads",
        "_root",
        "_sights",
        "_stored",
    )

    def __init__(
        self,
        stored: Mapping[str, Stored],
        earlier: Changes,
        *,
        now: Callable[[], float],
        lifetimes: Lifetimes = _FOR_EVER,
        root: str | None = None,
        home: Callable[[], str] = str,
        reads: dict[tuple[str, bool], None] | None = None,
        sights: Callable[[str, bool], bool] | None = None,
    ) -> None:
        """A view for one action.

        Args:
            stored: The cells before the run.
            earlier: What the run has changed since.
            now: The time, in seconds since the epoch.
            lifetimes: How long names live.
            root: The team's member, or the sub-agent, whose part of the memory it is.
            home: Names whose memory it is, for references.
            reads: Takes what is read, where somebody wants to know: the name, whether it was there.
            sights: Says whether a name has expired, given whether it has by the clock.
        """
        self._stored = stored
        self._earlier = earlier
        self._changes: Changes = {}
        self._expiries: dict[str, float] = {}
        self._now = now
        self._lifetimes = lifetimes
        self._root = self._prefix = "" if root is None else root_of(root)
        self._member = root
        self._home = home
        self._reads = reads
        self._sights = sights

    @property
    def changes(self) -> Changes:
        """What was written through this view."""
        return self._changes

    @property
    def expiries(self) -> dict[str, float]:
        """When the names that were read expire now, where a read makes their time begin anew."""
        return self._expiries

    @property
    def reads(self) -> dict[tuple[str, bool], None] | None:
        """What was read, where somebody wants to know."""
        return self._reads

    @property
    def root(self) -> str:
        """What the stored names of a team's member begin with."""
        return self._root

    def at(self, *path: str) -> Memory:
        """The part of this memory below ``path``, as a memory of its own."""
        part = copy.copy(self)
        part._prefix = self._name(path) + SEPARATOR  # noqa: SLF001 - of this class
        return part

    def set(
        self,
        name: Name,
        value: Any,
        *,
        ttl: float | dt.timedelta | None = None,
        refresh: Refresh | None = None,
    ) -> None:
        """Sets a name, for a time.

        Args:
            name: A text or a path of texts.
            value: What ``headrace.values.encode`` takes.
            ttl: How long it lives: seconds, or a ``timedelta``; ``math.inf``: for ever. ``None``:
                as the settings ``short_term_names`` and ``short_term_ttl`` say, which by default is
                for ever.
            refresh: What makes its time begin anew: ``"write"``, or ``"read"``: reading it too.
                ``None``: as the settings say, which by default is ``"write"``.

        Raises:
            MemoryValueError: The value cannot be kept; the message names the nested place.
            ValueError: The ``ttl`` is not above 0, or ``refresh`` is neither.
        """
        full = self._name(name)
        try:
            cell = encode(value)
        except MemoryValueError as error:
            raise MemoryValueError(f"memory[{name!r}]: {error}") from None
        usual = self._lifetime(full)
        seconds = ttl.total_seconds() if isinstance(ttl, dt.timedelta) else ttl
        seconds = usual.ttl if seconds is None else seconds
        if refresh not in {None, "write", "read"}:
            raise ValueError(f"memory[{name!r}]: refresh is 'write' or 'read', got {refresh!r}")
        if seconds is not None and seconds != math.inf:
            if not seconds > 0:
                raise ValueError(f"memory[{name!r}]: a ttl must be above 0, got {seconds}")
            cell = {"$": "ttl", "v": cell, "e": self._now() + seconds}
            if (refresh or usual.refresh) == "read":
                cell["r"] = seconds
        self._changes[full] = cell

    def ref(self, name: Name, *, pinned: bool = False) -> MemoryRef:
        """A small reference to a name's value, to be sent in an event and resolved later.

        Args:
            name: A text or a path of texts.
            pinned: Whether it stands for the value of now alone. Else it stands for whatever the
                name holds when the reference is resolved.

        Raises:
            KeyError: The name is not there.
        """
        full = self._name(name)
        cell = self._cell(full)
        if cell is _NOTHING:
            raise KeyError(name)
        version = digest(lasting(cell)) if pinned else None
        return MemoryRef(path_of(full[len(self._root) :]), self._whose(), version)

    def resolve(self, ref: MemoryRef, default: Any = _NOTHING) -> Any:
        """The value that a reference stands for; that counts as a read.

        Args:
            ref: What ``ref`` gave, in this run or an earlier one of the key.
            default: What is given where the value is gone.

        Raises:
            MemoryReferenceError: The name was deleted or has expired, a pinned one holds another
                value (where there is no ``default``); or it is a reference into the memory of
                another key, another job, another member of a team, or (sensory) another run.
        """
        full = self._root + _joined(ref.path)
        if ref.home != self._whose():
            raise MemoryReferenceError(
                f"the reference to {ref} is into another memory than this one: another key's, "
                "another job's or member's, or that of a run which has ended. Send the value itself"
            )
        cell = self._cell(full)
        changed = ref.version is not None and cell is not _NOTHING
        if changed and digest(lasting(cell)) == ref.version:
            changed = False
        if cell is _NOTHING or changed:
            if default is not _NOTHING:
                return default
            why = "holds another value by now" if changed else "was deleted or has expired"
            raise MemoryReferenceError(
                f"the reference to {ref} cannot be resolved: the name {why}. Give "
                "resolve(ref, default) what to take then, or keep the value longer (ttl=...)"
            )
        return self._read(full)

    def __getitem__(self, name: Name) -> Any:
        try:
            return self._read(self._name(name))
        except KeyError:
            raise KeyError(name) from None

    def __setitem__(self, name: Name, value: Any) -> None:
        self.set(name, value)

    def __delitem__(self, name: Name) -> None:
        if name not in self:
            raise KeyError(name)
        self._changes[self._name(name)] = DELETED

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, (str, tuple)):
            return False
        return self._cell(self._name(name)) is not _NOTHING

    def __iter__(self) -> Iterator[Name]:
        seen: dict[str, None] = dict.fromkeys((*self._stored, *self._earlier, *self._changes))
        for full in seen:
            own = full.startswith(self._prefix) and MEMBER not in full[len(self._prefix) :]
            if own and self._cell(full) is not _NOTHING:
                yield _shown(full[len(self._prefix) :])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Memory({dict(self)!r})"

    def _read(self, full: str) -> Any:
        """A value, where it is there; notes that it was read."""
        cell = self._cell(full)
        if self._reads is not None:
            self._reads[full, cell is not _NOTHING] = None
        if cell is _NOTHING:
            raise KeyError(full)
        if type(cell) is dict and cell.get("$") == "ttl":
            if "r" in cell and full not in self._changes:
                self._expiries[full] = self._now() + cell["r"]
            cell = cell["v"]
        try:
            return decode(cell)
        except StateError as error:
            raise StateError(f"memory[{_shown(full)!r}]: {error}") from error

    def _cell(self, full: str) -> Any:
        """The cell of a name that is there and has not expired, or ``_NOTHING``."""
        for layer in (self._changes, self._earlier, self._stored):
            if full in layer:
                cell = layer[full]
                if cell is DELETED:
                    return _NOTHING
                if type(cell) is dict and cell.get("$") == "ttl":
                    gone = cell["e"] <= self._now()
                    if gone if self._sights is None else self._sights(full, gone):
                        return _NOTHING
                return cell
        return _NOTHING

    def _whose(self) -> str:
        home = self._home()
        return home if self._member is None else f"{home}.{self._member}"

    def _lifetime(self, full: str) -> Lifetime:
        lifetimes = self._lifetimes
        if not lifetimes.by_name:
            return lifetimes.usual
        return lifetimes.of(path_of(full[len(self._root) :])[0])

    def _name(self, name: Name) -> str:
        parts = (name,) if isinstance(name, str) else name
        if not parts:
            raise ValueError("a path in memory needs at least one part")
        for part in parts:
            if not isinstance(part, str):
                raise TypeError(f"names in memory are texts, got {part!r} in {name!r}")
        return self._prefix + _joined(parts)


def _joined(parts: tuple[str, ...]) -> str:
    """The stored name of a path: one text for each path, whatever its parts hold."""
    joined = SEPARATOR.join(parts)
    if _ESCAPE in joined or MEMBER in joined or joined.count(SEPARATOR) >= len(parts):
        return SEPARATOR.join("".join(map(_escaped, part)) for part in parts)
    return joined


def _escaped(letter: str) -> str:
    return _ESCAPE + _ESCAPED[letter] if letter in _ESCAPED else letter


def _shown(full: str) -> Name:
    """A name as an agent writes it."""
    parts = path_of(full)
    return parts[0] if len(parts) == 1 else parts
