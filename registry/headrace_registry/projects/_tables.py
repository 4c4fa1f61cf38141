"""Keys and tables set and taken away, wherever the file has them: each edit is one splice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from headrace_registry.projects._scan import Entry, Layout, scan
from headrace_registry.projects._toml import key_text, value_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["remove_value", "set_table", "set_value"]

_OWN = 2
"""Tables as deep as this and less (``tool.agents``) stay, even with nothing in them."""


def set_value(text: str, path: tuple[str, ...], value: Any) -> str:
    """The text with a value at a path: in its place, else where its like stands."""
    layout = scan(text)
    written = value_text(value)
    there = layout.find(*path)
    if there is not None:
        return text[: there.start] + written + text[there.end :]
    for depth in range(len(path) - 1, 0, -1):
        table = layout.find(*path[:depth])
        if table is not None and table.kind == "table":
            return _into_inline(layout, table, f"{key_text(path[depth:])} = {written}")
    number = layout.header(*path[:-1])
    if number is not None:
        return _line(layout, layout.body_end(number), f"{key_text(path[-1:])} = {written}")
    for one in reversed(layout.entries):  # beside its like, which are written with dots
        above = layout.headers[one.header].path
        dotted = len(above) < len(path) - 1 < len(one.path)
        if not one.inline and dotted and one.path[: len(path) - 1] == path[:-1]:
            line = f"{key_text(path[len(above) :])} = {written}"
            return _line(layout, layout.line_end(one.end), line)
    if len(path) == 1:
        return _line(layout, layout.body_end(0), f"{key_text(path)} = {written}")
    return _block(layout, path[:-1], [f"{key_text(path[-1:])} = {written}"])


def set_table(text: str, path: tuple[str, ...], values: Mapping[str, Any]) -> str:
    """The text with a table at a path that holds these values, and no other."""
    layout = scan(text)
    there = layout.find(*path)
    above = layout.find(*path[:-1])
    if there is not None or (above is not None and above.kind == "table"):
        return set_value(text, path, dict(values))
    known = [one for one in layout.entries if one.path[: len(path)] == path]
    if layout.header(*path) is None and not known:
        lines = [f"{key_text([name])} = {value_text(value)}" for name, value in values.items()]
        return _block(layout, path, lines)
    for name, value in values.items():
        text = set_value(text, (*path, name), value)
    for one in known:
        if one.path[len(path)] not in values:
            text = remove_value(text, one.path[: len(path) + 1])
    return text


def remove_value(text: str, path: tuple[str, ...]) -> str:
    """The text without what stands at a path, be it a value or a table; unchanged without it."""
    while True:
        layout = scan(text)
        number = next(
            (n for n, one in enumerate(layout.headers) if n and one.path[: len(path)] == path), None
        )
        if number is not None:
            text = _without_block(layout, number)
            continue
        entry = next((one for one in layout.entries if one.path[: len(path)] == path), None)
        if entry is None:
            return text
        text = _without(layout, entry)


def _without(layout: Layout, entry: Entry) -> str:
    text = layout.text
    if entry.inline:
        return _out_of_inline(layout, entry)
    start, end = layout.line_start(entry.key), layout.line_end(entry.end)
    number = entry.header
    header = layout.headers[number]
    body = text[header.end : layout.body_end(number)]
    lone = len(layout.below(number)) == 1 and not header.array and len(header.path) > _OWN
    if lone and not re.search(r"(?m)^[ \t]*#", body):
        return _without_block(layout, number)
    if end == len(text) and not text.endswith("\n"):
        start = len(text[:start].removesuffix("\n").removesuffix("\r"))
    return text[:start] + text[end:]


def _without_block(layout: Layout, number: int) -> str:
    """The text without a table, and without the empty line before it."""
    text = layout.text
    start, end = layout.headers[number].start, layout.body_end(number)
    before = text[:start]
    ends_plain = end == len(text) and not text.endswith("\n")
    for _ in range(2 if ends_plain else 1):
        shorter = before.removesuffix("\n").removesuffix("\r")
        if ends_plain or not shorter or shorter.endswith("\n"):
            before = shorter
    return before + text[end:]


def _line(layout: Layout, place: int, line: str) -> str:
    """The text with one more line."""
    text, newline = layout.text, layout.newline
    if place and text[place - 1] != "\n":  # the file ends without one, and goes on so
        return f"{text[:place]}{newline}{line}{text[place:]}"
    return f"{text[:place]}{line}{newline}{text[place:]}"


def _block(layout: Layout, path: tuple[str, ...], lines: list[str]) -> str:
    """The text with one more table, behind those that are nearest to it."""
    text, newline = layout.text, layout.newline
    place = len(text)
    for depth in range(len(path) - 1, 1, -1):
        near = [n for n, one in enumerate(layout.headers) if n and one.path[:depth] == path[:depth]]
        if near:
            place = layout.body_end(near[-1])
            break
    block = newline.join([f"[{key_text(path)}]", *lines])
    if not place:
        return f"{block}{newline}{text}"
    if text[place - 1] != "\n":
        return f"{text[:place]}{newline}{newline}{block}"
    return f"{text[:place]}{newline}{block}{newline}{text[place:]}"


def _into_inline(layout: Layout, table: Entry, pair: str) -> str:
    text = layout.text
    inside = layout.inside(table)
    if not inside:
        return f"{text[: table.start]}{{ {pair} }}{text[table.end :]}"
    last = max(inside, key=lambda one: one.end)
    return f"{text[: last.end]}, {pair}{text[last.end :]}"


def _out_of_inline(layout: Layout, entry: Entry) -> str:
    text = layout.text
    table = min(
        (
            one
            for one in layout.entries
            if one.kind == "table" and one.start < entry.start and entry.end < one.end
        ),
        key=lambda one: one.end - one.start,
    )
    inside = sorted(layout.inside(table), key=lambda one: one.start)
    place = inside.index(entry)
    if place:
        return text[: inside[place - 1].end] + text[entry.end :]
    if len(inside) > 1:
        return text[: entry.key] + text[inside[1].key :]
    return text[: table.start] + "{}" + text[table.end :]
