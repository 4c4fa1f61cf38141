"""Where in a TOML file an entry stands, by the library that parses and prints it.

The library prints the file with a mark in the place of an entry. What it prints before and after
the mark is what an edit leaves alone: an edit is given back only if that is the file's own text,
byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, InlineTable, Integer, Item, Key, Table, Trivia

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Place", "Tree", "item_line", "line_of", "printed"]

_MARK = "\x00"
"""No TOML has it."""

Entry: TypeAlias = "tuple[Key | None, Item]"
Owner: TypeAlias = "tomlkit.TOMLDocument | Table | InlineTable"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands."""

    owner: Owner
    """What it stands in."""
    index: int
    """Its place among the owner's entries."""
    depth: int
    """How many names lead to the owner."""
    dotted: Place | None
    """With a dotted key: the entry of the first of its names, which has the whole line."""

    @property
    def entries(self) -> list[Entry]:
        """The entries that it is one of; blanks and comments are some too."""
        return entries_of(self.owner)

    @property
    def key(self) -> Key:
        """Its key."""
        return cast("Key", self.entries[self.index][0])

    @property
    def item(self) -> Item:
        """Its value."""
        return self.entries[self.index][1]

    @property
    def line(self) -> Place:
        """The entry that has its line."""
        return self.dotted or self


def entries_of(owner: Any) -> list[Entry]:
    """The entries of a table, as they are printed."""
    body: list[Entry] = (owner if isinstance(owner, tomlkit.TOMLDocument) else owner.value).body
    return body


class Tree:
    """A file as the library parsed it.

    Raises:
        ValueError: The library cannot parse it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self.document = tomlkit.parse(text)
        except (TOMLKitError, RecursionError) as error:
            raise ValueError(str(error)) from error

    def find(self, path: tuple[str, ...]) -> list[Place]:
        """Each entry of a path: a table may be written in several; none in an array of tables."""
        return list(_found(self.document, path, 0, None))

    def around_value(self, place: Place) -> tuple[str, str]:
        """What is printed before and after a value.

        Raises:
            ValueError: The library does not print the file as it is.
        """
        mark: Entry = (place.key, Integer(0, place.item.trivia, _MARK))
        return self._around(place.entries, place.index, 1, mark, _MARK)

    def around_entry(self, place: Place) -> tuple[str, str]:
        """What is printed before and after a line, or a table and what follows it.

        Raises:
            ValueError: The library does not print the file as it is.
        """
        return self._around(place.entries, place.index, 1, _LINE, f"{_MARK}\n")

    def before_entry(self, entries: list[Entry], index: int) -> tuple[str, str]:
        """What is printed before an entry, and from it on.

        Raises:
            ValueError: The library does not print the file as it is.
        """
        before, after = self._around(entries, index, 0, _LINE, f"{_MARK}\n")
        if before + after != self.text:
            raise ValueError("the library does not print the file as it is")
        return before, after

    def _around(
        self, entries: list[Entry], index: int, width: int, mark: Entry, shown: str
    ) -> tuple[str, str]:
        kept = entries[:]
        entries[index : index + width] = [mark]
        text = self.document.as_string()
        entries[:] = kept
        before, _, after = text.partition(shown)
        own = len(before) + len(after) <= len(self.text)
        if not (own and self.text.startswith(before) and self.text.endswith(after)):
            raise ValueError("the library does not print the file as it is")
        return before, after


_LINE: Entry = (None, tomlkit.ws(f"{_MARK}\n"))


def _found(
    owner: Owner, path: tuple[str, ...], depth: int, dotted: Place | None
) -> Iterator[Place]:
    for index, (key, item) in enumerate(entries_of(owner)):
        if key is None or key.key != path[depth]:
            continue
        place = Place(owner, index, depth, dotted)
        if depth + 1 == len(path):
            yield place
        elif isinstance(item, InlineTable):
            yield from _found(item, path, depth + 1, None)
        elif isinstance(item, Table):
            inner = dotted or (place if key.is_dotted() else None)
            yield from _found(item, path, depth + 1, inner)


def line_of(text: str, path: tuple[str, ...]) -> int:
    """The line of a path, or of what it stands in; 1 where there is neither.

    Raises:
        ValueError: The library does not parse or print the file as it is.
    """
    tree = Tree(text)
    for depth in range(len(path), 0, -1):
        for place in tree.find(path[:depth]):
            line = place.line
            inline = isinstance(line.owner, InlineTable)
            before, _ = tree.around_value(line) if inline else tree.around_entry(line)
            return before.count("\n") + 1
    return 1


def item_line(text: str, path: tuple[str, ...], number: int) -> int:
    """The line of an array's item; 1 where there is none.

    Raises:
        ValueError: The library does not parse or print the file as it is.
    """
    tree = Tree(text)
    for place in tree.find(path):
        if isinstance(place.item, Array) and number < len(place.item):
            before, _ = tree.around_value(place)
            place.item[number] = Integer(0, Trivia(), _MARK)
            return (before + place.item.as_string().partition(_MARK)[0]).count("\n") + 1
    return 1


def printed(entries: list[Entry]) -> str:
    """Blanks and comments as they are printed."""
    return "".join(item.as_string() for _, item in entries)


def last_table(table: Any) -> Any:
    """The table within a table whose lines are printed last: what comes then belongs to it."""
    while True:
        keyed = [one for one in entries_of(table) if one[0] is not None]
        if not keyed:
            return table
        key, item = keyed[-1]
        if isinstance(item, AoT) and item.body:
            table = item.body[-1]
        elif isinstance(item, Table) and key is not None and not key.is_dotted():
            table = item
        else:
            return table
