"""Items put into an array of texts, and taken out, by the library that keeps its style."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING

import tomlkit
from tomlkit.items import Array, Comment

from headrace_registry.projects._places import Tree

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomlkit.items import String

__all__ = ["insert", "place_of", "remove", "replace"]

_INDENT = "    "


def place_of(names: list[str], name: str) -> int:
    """Where a new item belongs: in its place where all are in order, else at the end."""
    if len(names) > 1 and names == sorted(names):
        return bisect_right(names, name)
    return len(names)


def insert(text: str, path: tuple[str, ...], place: int, item: str) -> str:
    """The text with one more item in an array.

    Raises:
        ValueError: There is no array, or not all of it would stay.
    """

    def change(array: Array) -> None:
        quotes = {one.as_string()[0] for one in array}
        new, old = _string(item, literal=quotes == {"'"}), array.as_string()
        if not array and "\n" in old:
            indent = re.search(r"\n([ \t]*)#", old)
            array.add_line(new, indent=indent[1] if indent else _INDENT)
        elif array and place == 0 and "\n" not in old:
            # The library would put no blank after an item that comes first.
            array.insert(1, array[0])
            array[0] = new
        else:
            array.insert(place, new)

    return _changed(text, path, change)


def replace(text: str, path: tuple[str, ...], place: int, item: str) -> str:
    """The text with another item in an item's place, in its quotes.

    Raises:
        ValueError: There is no array, or not all of it would stay.
    """

    def change(array: Array) -> None:
        array[place] = _string(item, literal=array[place].as_string().startswith("'"))

    return _changed(text, path, change)


def remove(text: str, path: tuple[str, ...], place: int) -> str:
    """The text without an item of an array; the comment on its line goes with it.

    Raises:
        ValueError: There is no array, or not all of the rest would stay.
    """

    def change(array: Array) -> None:
        del array[place]

    return _changed(text, path, change, gone=place)


def _changed(
    text: str, path: tuple[str, ...], change: Callable[[Array], None], gone: int | None = None
) -> str:
    tree = Tree(text)
    places = tree.find(path)
    array = places[0].item if len(places) == 1 else None
    if not isinstance(array, Array):
        raise ValueError("there is no array")  # noqa: TRY004  not the caller's fault
    before, after = tree.around_value(places[0])
    old, comments = array.as_string(), _comments(array)
    taken = "" if gone is None else array[gone].as_string()
    change(array)
    for comment in comments - _comments(array):
        lines = [one for one in old.splitlines() if comment in one]
        if not taken or not any(taken in one for one in lines):
            raise ValueError(f"{comment!r} would be lost")
    return before + array.as_string() + after


def _comments(array: Array) -> Counter[str]:
    items = array._iter_items()  # noqa: SLF001  the library has no public way to them
    return Counter(one.as_string().strip() for one in items if isinstance(one, Comment))


def _string(text: str, *, literal: bool) -> String:
    """A string, in the quotes that can hold it without escapes."""
    literal = ("'" not in text) if literal or '"' in text else False
    return tomlkit.string(text, literal=literal and text.isprintable())
