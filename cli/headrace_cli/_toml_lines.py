"""On which line of a TOML file a name is said, for people: the parser does not tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Lines", "lines_of"]

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_NAME = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\s*({_NAME})\s*\]")
_ENTRY = re.compile(rf"\s*({_NAME})\s*=")
_ONE = re.compile(_PART)
_LONG = ('"""', "'''")


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of names below a table."""

    found: Mapping[str, int]
    """The line, from 1, of each dotted name."""

    def line(self, name: str) -> int | None:
        """The line of a name, or of the nearest table above that has one."""
        while name:
            if name in self.found:
                return self.found[name]
            name = name.rpartition(".")[0]
        return None


def lines_of(text: str, table: str) -> Lines:
    """Finds the names below a table.

    Args:
        text: The file.
        table: The table's dotted name.
    """
    found: dict[str, int] = {}
    header, inside = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if inside:  # a text of several lines holds no names
            inside = "" if inside in line else inside
            continue
        if match := _HEADER.match(line):
            header = _dotted(match[1])
            name = header
        elif match := _ENTRY.match(line):
            name = ".".join(filter(None, (header, _dotted(match[1]))))
            inside = next((mark for mark in _LONG if line.count(mark) == 1), "")
        else:
            continue
        if name.startswith(f"{table}."):
            found.setdefault(name[len(table) + 1 :], number)
    return Lines(found)


def _dotted(name: str) -> str:
    return ".".join(part.strip("\"'") for part in _ONE.findall(name))
