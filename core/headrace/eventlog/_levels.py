"""Levels: what is told of each type of record. Dotted types inherit from what is above them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["LEVELS", "OFF", "STANDARD", "VERBOSE", "Level", "Levels", "read_level"]

Level = Literal["off", "standard", "verbose"]
LEVELS: Final[tuple[Level, ...]] = ("off", "standard", "verbose")
OFF, STANDARD, VERBOSE = range(3)
_REMEMBERED = 4096  # names of tools may be a model's own invention


def read_level(text: str) -> tuple[str, Level]:
    """``TYPE=LEVEL`` as the type and its level.

    Raises:
        ValueError: It is none.
    """
    name, equals, level = text.partition("=")
    name, level = name.strip(), level.strip()
    if not equals or not name or any(not part for part in name.split(".")):
        raise ValueError(f"{text!r} is no TYPE=LEVEL, such as event.shop.Order=off")
    for known in LEVELS:
        if level == known:
            return name, known
    raise ValueError(f"{level!r} is no level: there are {', '.join(LEVELS)}")


class Known(dict[tuple[str, str], int]):
    """What was found, remembered: asked for each record, so a look-up that is all in C."""

    def __init__(self, find: Callable[[str, str], int]) -> None:
        self._find = find

    def __missing__(self, kind_and_name: tuple[str, str]) -> int:
        if len(self) >= _REMEMBERED:
            self.clear()
        found = self[kind_and_name] = self._find(*kind_and_name)
        return found


class Levels:
    """The levels of a log.

    A record's type is its kind and its name, with a dot between: ``event.shop.Order``,
    ``tool.refund``. What is said of the longest beginning of it counts.

    Args:
        level: Of all types of which nothing is said.
        said: ``TYPE=LEVEL`` each.
    """

    def __init__(self, level: Level, said: Iterable[str] = ()) -> None:
        self._default = LEVELS.index(level)
        self._said = {name: LEVELS.index(at) for name, at in map(read_level, said)}
        self.known = Known(self._found)
        """The levels of types by kind and name, found when they are looked up."""

    @property
    def nothing(self) -> bool:
        """Whether nothing is told at all."""
        return not self._default and not any(self._said.values())

    @property
    def any_off(self) -> bool:
        """Whether anything is not told."""
        return OFF in {self._default, *self._said.values()}

    @property
    def any_verbose(self) -> bool:
        """Whether anything is told in full."""
        return VERBOSE in {self._default, *self._said.values()}

    def of(self, kind: str, name: str) -> int:
        """``OFF``, ``STANDARD`` or ``VERBOSE``."""
        return self.known[kind, name]

    def _found(self, kind: str, name: str) -> int:
        dotted = f"{kind}.{name.replace(':', '.')}" if name else kind
        while True:
            if dotted in self._said:
                return self._said[dotted]
            above, dot, _ = dotted.rpartition(".")
            if not dot:
                return self._default
            dotted = above
