"""Items put into an array of texts, and taken out, by the library that keeps its style."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING

import tomlkit
from tomlkit.items import Array, Comment

from headrace_registry.projects._places import Tree
from headrace_registry.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomlkit.items import String

__all__ = ["comments_in", "insert", "place_of", "remove", "replace"]

_INDENTS = re.compile(r"\n([ \t]*)[\"'#]")


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

    def put(array: Array) -> None:
        new, old = _new(array, item), array.as_string()
        if array and place == 0 and "\n" not in old:
            # The library would put no blank after an item that comes first.
            array.insert(1, array[0])
            array[0] = new
        elif array or "\n" not in old:
            array.insert(place, new)
        else:
            line(array)

    def line(array: Array) -> None:
        if place < len(array) or "\n" not in array.as_string():
            raise ValueError("it cannot have a line of its own")
        indents = _INDENTS.findall(array.as_string())
        array.add_line(_new(array, item), indent=indents[-1] if indents else "    ")

    try:
        return _changed(text, path, put)
    except ValueError:  # such as behind a comment: the library would write the item into that
        return _changed(text, path, line)


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
    old, comments = array.as_string(), comments_in(array)
    taken = "" if gone is None else array[gone].as_string()
    change(array)
    if parse_toml(f"it = {array.as_string()}")["it"] != array.unwrap():
        raise ValueError("the array is not printed as it is")
    for comment in comments - comments_in(array):
        lines = [one for one in old.splitlines() if comment in one]
        if not taken or not any(taken in one for one in lines):
            raise ValueError(f"{comment!r} would be lost")
    return before + array.as_string() + after


def comments_in(array: Array) -> Counter[str]:
    """The comments of an array."""
    items = array._iter_items()  # noqa: SLF001  the library has no public way to them
    return Counter(one.as_string().strip() for one in items if isinstance(one, Comment))


def _new(array: Array, text: str) -> String:
    return _string(text, literal={one.as_string()[0] for one in array} == {"'"})


def _string(text: str, *, literal: bool) -> String:
    """A string, in the quotes that can hold it without escapes."""
    literal = ("'" not in text) if literal or '"' in text else False
    return tomlkit.string(text, literal=literal and text.isprintable())
