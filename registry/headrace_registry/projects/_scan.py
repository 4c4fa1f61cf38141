"""Where in the text of a TOML file its tables, keys, values and items stand.

Libraries that keep comments give no places, and set an array anew when an item is added. With
the places an edit is a splice: every byte beside it stays. The text was read by a parser before
it comes here, so what is wrong with it need not be told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from headrace_registry.projects._toml import parse

__all__ = ["Entry", "Header", "Item", "Layout", "scan"]

Path = tuple[str, ...]

_BLANK = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\r\n]*")
_STRINGS = (
    re.compile(r'"""(?:[^\\"]|\\.|"{1,2}(?!"))*"{3,5}', re.DOTALL),
    re.compile(r"'''(?:[^']|'{1,2}(?!'))*'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


@dataclass(frozen=True, slots=True)
class Item:
    """An item of an array."""

    start: int
    end: int
    comma: int | None
    """Where the comma after it stands; ``None`` where there is none."""


@dataclass(frozen=True, slots=True)
class Header:
    """A ``[table]``, or the top of the file."""

    path: Path
    start: int
    """Where its line begins."""
    end: int
    """Where the next line begins."""
    array: bool = False
    """Whether it is one of an array of tables."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value."""

    path: Path
    """All of it, the table's path included."""
    key: int
    """Where the key begins."""
    start: int
    """Where the value begins."""
    end: int
    """Where it ends."""
    kind: Literal["array", "table", "plain"]
    header: int
    """The number of the table that it stands in."""
    inline: bool
    """Whether it stands in an inline table."""
    comma: int | None = None
    """In an inline table: where the comma after it stands."""
    items: tuple[Item, ...] = ()
    """Of an array."""


@dataclass
class Layout:
    """All places of a text."""

    text: str
    headers: list[Header] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    @cached_property
    def newline(self) -> str:
        """What ends its lines."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def find(self, *path: str) -> Entry | None:
        """The entry of a path; none in an array of tables."""
        return next(
            (one for one in self.entries if one.path == path and not self._repeated(one)), None
        )

    def header(self, *path: str) -> int | None:
        """The number of a table's header."""
        for number, one in enumerate(self.headers):
            if one.path == path and not one.array and number:
                return number
        return None

    def below(self, header: int) -> list[Entry]:
        """The entries of a table, those of inline tables left out."""
        return [one for one in self.entries if one.header == header and not one.inline]

    def inside(self, table: Entry) -> list[Entry]:
        """The entries of an inline table, those of tables in it left out."""
        within = [
            one
            for one in self.entries
            if one.inline and table.start < one.start and one.end < table.end
        ]
        return [
            one
            for one in within
            if not any(other.start < one.start and one.end < other.end for other in within)
        ]

    def body_end(self, header: int) -> int:
        """Where the line after a table's last entry begins."""
        ends = [self.line_end(one.end) for one in self.below(header)]
        return max(ends, default=self.headers[header].end)

    def line_start(self, place: int) -> int:
        """Where the line of a place begins."""
        return self.text.rfind("\n", 0, place) + 1

    def line_end(self, place: int) -> int:
        """Where the line after that of a place begins."""
        at = self.text.find("\n", place)
        return len(self.text) if at < 0 else at + 1

    def line(self, place: int) -> int:
        """The number of a place's line, from 1."""
        return self.text.count("\n", 0, place) + 1

    def _repeated(self, entry: Entry) -> bool:
        arrays = [one.path for one in self.headers if one.array]
        path = self.headers[entry.header].path
        return any(path[: len(one)] == one for one in arrays)


def scan(text: str) -> Layout:
    """Find the places of a text that is TOML."""
    found = _Scanner(text)
    found.run()
    return found.layout


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.layout = Layout(text, [Header((), 0, 0)])
        self._at = 0

    def run(self) -> None:
        while True:
            self._skip(_BETWEEN)
            if self._at >= len(self.text):
                return
            if self.text[self._at] == "[":
                self._header()
            else:
                current = len(self.layout.headers) - 1
                self._pair(self.layout.headers[current].path, current, inline=False)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self._at)
        self._at = match.end() if match else self._at

    def _header(self) -> None:
        start = self._at
        array = self.text.startswith("[[", start)
        self._at += 2 if array else 1
        path = self._key()
        self.layout.headers.append(
            Header(path, self.layout.line_start(start), self.layout.line_end(self._at), array)
        )
        self._at = self.layout.headers[-1].end

    def _key(self) -> Path:
        parts = []
        while True:
            self._skip(_BLANK)
            if self.text[self._at] in "\"'":
                quoted = self._string()
                parts.append(next(iter(parse(f"{quoted} = 0"))))
            else:
                start = self._at
                self._skip(_BARE_KEY)
                if self._at == start:
                    raise ValueError(f"no key at {start}")
                parts.append(self.text[start : self._at])
            self._skip(_BLANK)
            if self.text[self._at] != ".":
                return tuple(parts)
            self._at += 1

    def _string(self) -> str:
        for pattern in _STRINGS:
            match = pattern.match(self.text, self._at)
            if match:
                self._at = match.end()
                return match[0]
        raise ValueError(f"no string at {self._at}")

    def _pair(self, above: Path, header: int, *, inline: bool) -> int:
        """Read a key and its value; give the number of the entry."""
        key = self._at
        path = above + self._key()
        self._at += 1  # the equals sign
        self._skip(_BLANK)
        number = len(self.layout.entries)
        place: dict[str, Any] = {"path": path, "key": key, "header": header, "inline": inline}
        start = self._at
        # It comes before what it holds.
        self.layout.entries.append(Entry(**place, start=start, end=start, kind="plain"))
        kind, items = self._value(path, header)
        self.layout.entries[number] = Entry(
            **place, start=start, end=self._at, kind=kind, items=items
        )
        return number

    def _value(
        self, path: Path, header: int
    ) -> tuple[Literal["array", "table", "plain"], tuple[Item, ...]]:
        first = self.text[self._at]
        if first == "[":
            return "array", self._array(header)
        if first == "{":
            self._table(path, header)
            return "table", ()
        if first in "\"'":
            self._string()
        else:
            start = self._at
            self._skip(_BARE_VALUE)
            self._at = start + len(self.text[start : self._at].rstrip(" \t"))
        return "plain", ()

    def _array(self, header: int) -> tuple[Item, ...]:
        self._at += 1
        items: list[Item] = []
        while True:
            self._skip(_BETWEEN)
            if self.text[self._at] == "]":
                self._at += 1
                return tuple(items)
            start = self._at
            known = len(self.layout.entries)
            self._value((), header)
            del self.layout.entries[known:]  # what tables in arrays hold has no path
            end = self._at
            items.append(Item(start, end, self._comma()))

    def _table(self, path: Path, header: int) -> None:
        self._at += 1
        while True:
            self._skip(_BETWEEN)
            if self.text[self._at] == "}":
                self._at += 1
                return
            number = self._pair(path, header, inline=True)
            entry = self.layout.entries[number]
            comma = self._comma()
            self.layout.entries[number] = Entry(
                **{name: getattr(entry, name) for name in _FIELDS}, comma=comma
            )

    def _comma(self) -> int | None:
        self._skip(_BETWEEN)
        if self.text[self._at] != ",":
            return None
        self._at += 1
        return self._at - 1


_FIELDS = ("path", "key", "start", "end", "kind", "header", "inline", "items")
