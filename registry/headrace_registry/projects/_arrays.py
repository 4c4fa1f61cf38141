"""Items put into an array, and taken out, in the way that the array is written."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from headrace_registry.projects._toml import string

if TYPE_CHECKING:
    from headrace_registry.projects._scan import Entry, Item, Layout

__all__ = ["insert", "place_of", "quote_of", "remove", "replace"]

_REST = re.compile(r"[ \t]*,?[ \t]*(?:#[^\n]*)?(?:\r?\n|$)")
_INDENT = "    "


def quote_of(layout: Layout, array: Entry) -> str:
    """The quotes that an array's strings stand in."""
    firsts = {layout.text[one.start] for one in array.items} & {'"', "'"}
    return "'" if firsts == {"'"} else '"'


def place_of(names: list[str], name: str) -> int:
    """Where a new item belongs: in its place where all are in order, else at the end."""
    if len(names) > 1 and names == sorted(names):
        return bisect_right(names, name)
    return len(names)


def insert(layout: Layout, array: Entry, place: int, text: str) -> str:
    """The text with one more item, given as a plain string."""
    written = string(text, quote_of(layout, array))
    if not array.items:
        return _into_empty(layout, array, written)
    if place == 0:
        return _at_front(layout, array, written)
    return _after(layout, array.items[place - 1], written)


def replace(layout: Layout, item: Item, text: str) -> str:
    """The text with another string in an item's place, in the quotes of the old one."""
    quote = layout.text[item.start]
    written = string(text, quote)
    if layout.text.startswith(quote * 3, item.start) and not set(text) & {quote, "\\"}:
        written = f"{quote * 3}{text}{quote * 3}"
    return layout.text[: item.start] + written + layout.text[item.end :]


def remove(layout: Layout, array: Entry, place: int) -> str:
    """The text without an item; the comment on its line goes with it."""
    text, items = layout.text, array.items
    item = items[place]
    before = items[place - 1] if place else None
    following = items[place + 1] if place + 1 < len(items) else None
    behind = before.comma if before else None
    if _alone(layout, item):
        start, end = layout.line_start(item.start), layout.line_end(item.end)
        if item.comma is None and behind is not None:  # the array does not end with one
            return text[:behind] + text[behind + 1 : start] + text[end:]
        return text[:start] + text[end:]
    between = text[before.end : item.start] if before else ""
    if before and "#" not in between and ("\n" not in between or following is None):
        return text[: before.end] + text[item.end :]
    gap = text[item.start : following.start] if following else ""
    if following and "#" not in gap:
        return text[: item.start] + text[following.start :]
    if before is None and following is None and "\n" not in text[array.start : array.end]:
        return text[: item.start] + "]" + text[array.end :]
    comma = behind if item.comma is None else item.comma
    if comma is None:
        return text[: item.start] + text[item.end :]
    return _cut(text, (item.start, item.end), (comma, comma + 1))


def _cut(text: str, *spans: tuple[int, int]) -> str:
    for start, end in sorted(spans, reverse=True):
        text = text[:start] + text[end:]
    return text


def _alone(layout: Layout, item: Item) -> bool:
    """Whether it has its line to itself, its comma and comment aside."""
    before = layout.text[layout.line_start(item.start) : item.start]
    rest = _REST.match(layout.text, item.end)
    return (
        not before.strip() and rest is not None and (item.comma is None or item.comma < rest.end())
    )


def _indent(layout: Layout, place: int) -> str:
    line = layout.text[layout.line_start(place) : place]
    return line[: len(line) - len(line.lstrip())]


def _after(layout: Layout, item: Item, written: str) -> str:
    text, newline = layout.text, layout.newline
    indent = _indent(layout, item.start)
    if _alone(layout, item):
        end = layout.line_end(item.end)
        if item.comma is not None:
            return f"{text[:end]}{indent}{written},{newline}{text[end:]}"
        line = text[item.end : end]
        return f"{text[: item.end]},{line}{indent}{written}{newline}{text[end:]}"
    starts_line = not text[layout.line_start(item.start) : item.start].strip()
    if starts_line and item.comma is None:  # the bracket stands right behind it
        return f"{text[: item.end]},{newline}{indent}{written}{text[item.end :]}"
    return f"{text[: item.end]}, {written}{text[item.end :]}"


def _at_front(layout: Layout, array: Entry, written: str) -> str:
    text, first = layout.text, array.items[0]
    end = layout.line_end(array.start)
    if _alone(layout, first) and end <= first.start:
        indent = _indent(layout, first.start)
        return f"{text[:end]}{indent}{written},{layout.newline}{text[end:]}"
    return f"{text[: first.start]}{written}, {text[first.start :]}"


def _into_empty(layout: Layout, array: Entry, written: str) -> str:
    text = layout.text
    closing = array.end - 1
    inner = text[array.start + 1 : closing]
    if "\n" not in inner:
        return f"{text[: array.start + 1]}{inner}{written}{inner}{text[closing:]}"
    line = layout.line_start(closing)
    if text[line:closing].strip():
        return f"{text[:closing]}{written},{text[closing:]}"
    indent = _comment_indent(inner) or text[line:closing] + _INDENT
    return f"{text[:line]}{indent}{written},{layout.newline}{text[line:]}"


def _comment_indent(inner: str) -> str:
    comments: list[str] = re.findall(r"\n([ \t]+)#", inner)
    return comments[-1] if comments else ""
