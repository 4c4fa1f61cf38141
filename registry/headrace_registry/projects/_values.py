"""Values and tables set and taken away, wherever the file has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomlkit.items import AoT, Array, Comment, InlineTable, Table

from headrace_registry.projects._lists import comments_in
from headrace_registry.projects._places import Place, Tree, entries_of, last_table, printed
from headrace_registry.projects._toml import inline_text, key_text, value_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace_registry.projects._places import Entry

__all__ = ["remove_value", "set_table", "set_value"]

_OWN = 2
"""Tables as deep as this and less (``tool.agents``) stay, even with nothing in them."""


def set_value(text: str, path: tuple[str, ...], value: Any) -> str:
    """The text with a value at a path: in its place, else where its like stands.

    Raises:
        ValueError: It cannot be set with nothing else changed.
    """
    tree = Tree(text)
    there = tree.find(path)
    if len(there) > 1 or any(isinstance(one.item, Table) for one in there):
        return set_value(remove_value(text, path), path, value)
    if there:
        old = there[0].item
        if isinstance(old, Array) and comments_in(old):
            raise ValueError("the comments of a list that is replaced would be lost")
        before, after = tree.around_value(there[0])
        return before + value_text(value) + after
    above = _above(tree, path)
    if above is None:
        return _with_block(tree, path[:-1], {path[-1]: value})
    if isinstance(above.item, InlineTable):
        pairs = [*_pairs(above.item), f"{key_text(path[above.depth + 1 :])} = {value_text(value)}"]
        return _with_pairs(tree, above, pairs)
    line = above.line
    if above.key.is_dotted():  # beside its like, which are written with dots
        entries, index, name = line.entries, line.index + 1, path[line.depth :]
    elif above.depth + 2 == len(path) and not _is_implied(above.item):
        entries, name = entries_of(above.item), path[-1:]
        index = _end_of_lines(entries)
    else:
        return _with_block(tree, path[:-1], {path[-1]: value})
    before, after = tree.before_entry(entries, index)
    return f"{before}{key_text(name)} = {value_text(value)}\n{after}"


def set_table(text: str, path: tuple[str, ...], values: Mapping[str, Any]) -> str:
    """The text with a table at a path that holds these values, and no other.

    Raises:
        ValueError: It cannot be set with nothing else changed.
    """
    tree = Tree(text)
    there = tree.find(path)
    if not there:
        above = _above(tree, path)
        inside = above is not None and (
            isinstance(above.item, InlineTable) or above.key.is_dotted()
        )
        return set_value(text, path, dict(values)) if inside else _with_block(tree, path, values)
    if not isinstance(there[0].item, Table):
        return set_value(text, path, dict(values))
    known = [key.key for one in there for key, _ in entries_of(one.item) if key is not None]
    for name, value in values.items():
        text = set_value(text, (*path, name), value)
    for name in dict.fromkeys(known):
        if name not in values:
            text = remove_value(text, (*path, name))
    return text


def remove_value(text: str, path: tuple[str, ...]) -> str:
    """The text without what stands at a path, be it a value or a table; unchanged without it.

    Raises:
        ValueError: It cannot be taken away with nothing else changed.
    """
    while True:
        tree = Tree(text)
        there = tree.find(path)
        if not there:
            return text
        text = _without(tree, there[-1], path)


def _above(tree: Tree, path: tuple[str, ...]) -> Place | None:
    """The last entry of what is nearest above a path; one with a header of its own first."""
    for depth in range(len(path) - 1, 0, -1):
        places = tree.find(path[:depth])
        if places:
            own = [one for one in places if not _is_implied(one.item)]
            return (own or places)[-1]
    return None


def _is_implied(item: Any) -> bool:
    """Whether a table has no header of its own."""
    return isinstance(item, Table) and item.is_super_table()


def _end_of_lines(entries: list[Entry]) -> int:
    """Where a table's next line belongs: before its tables, and what stands above those."""
    end = 0
    for index, (key, item) in enumerate(entries):
        if isinstance(item, (Table, AoT)) and key is not None and not key.is_dotted():
            break
        if key is not None:
            end = index + 1
    behind = end
    while behind < len(entries) and isinstance(entries[behind][1], Comment):
        behind += 1
    # Comments that an empty line follows are about the table, others about what comes next.
    return behind if behind < len(entries) and entries[behind][0] is None else end


def _with_block(tree: Tree, path: tuple[str, ...], values: Mapping[str, Any]) -> str:
    """The text with one more table, behind those that are nearest to it."""
    entries = entries_of(tree.document)
    index = len(entries)
    for depth in range(len(path), _OWN - 1, -1):
        near = [one for one in tree.find(path[:depth]) if isinstance(one.item, Table)]
        if near:
            entries = entries_of(last_table(near[-1].item))
            index = _end_of_lines(entries)
            break
    before, after = tree.before_entry(entries, index)
    lines = [f"{key_text([name])} = {value_text(value)}\n" for name, value in values.items()]
    blank = "\n" if before else ""
    return f"{before}{blank}[{key_text(path)}]\n{''.join(lines)}{after}"


def _without(tree: Tree, place: Place, path: tuple[str, ...]) -> str:
    owner = place.owner
    if isinstance(owner, InlineTable):
        table = next(one for one in tree.find(path[:-1]) if one.item is owner)
        return _with_pairs(tree, table, _pairs(owner, place.index))
    line = place.line
    if isinstance(line.item, Table) and not line.key.is_dotted():
        return _without_block(tree, line)
    if line.depth > _OWN and _is_alone(line):
        table = next(one for one in tree.find(path[: line.depth]) if one.item is owner)
        return _without_block(tree, table)
    before, after = tree.around_entry(line)
    return before + after


def _is_alone(place: Place) -> bool:
    """Whether a table has nothing else than an entry, and no comments about it."""
    others = [one for n, one in enumerate(place.entries) if n != place.index]
    told = [item for _, item in place.entries[: place.index] if isinstance(item, Comment)]
    return not told and all(key is None for key, _ in others)


def _without_block(tree: Tree, place: Place) -> str:
    """The text without a table, and without the empty line before it."""
    before, after = tree.around_entry(place)
    entries = entries_of(last_table(place.item))
    keyed = [n for n, (key, _) in enumerate(entries) if key is not None]
    behind = printed(entries[max(keyed, default=-1) + 1 :])
    if not tree.text[len(before) :].endswith(behind + after):
        raise ValueError("the library does not print the file as it is")
    if before.endswith("\n\n") or before == "\n":
        before = before[:-1]
    return before + behind + after


def _pairs(table: InlineTable, without: int | None = None) -> list[str]:
    pairs = []
    for index, (key, item) in enumerate(entries_of(table)):
        if key is not None and index != without:
            pairs.append(f"{key.as_string()}{key.sep}{item.as_string()}")
    return pairs


def _with_pairs(tree: Tree, table: Place, pairs: list[str]) -> str:
    """The text with other entries in an inline table."""
    old = table.item.as_string()
    if "\n" in old:
        raise ValueError("an inline table of several lines is not edited")
    before, after = tree.around_value(table)
    return before + inline_text(pairs, tight=old[:2] not in ("{ ", "{}")) + after
