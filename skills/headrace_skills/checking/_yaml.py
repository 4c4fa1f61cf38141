"""The frontmatter as the standard's reference reads it: every value with its place.

The reference reads a stricter YAML than any parser at hand: no flow style, tags, anchors, merges,
tabs. What it refuses is found in the parser's events and in the places that they tell.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import yaml

from headrace_skills._frontmatter import MAX_DEPTH, MAX_FRONTMATTER, MAX_NODES, events_of, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.checking._report import Found

__all__ = ["Front", "Node", "Pair", "place_of", "read_front"]

_CONTROL = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # what YAML allows
)
_SEPARATOR = re.compile("[\x85\u2028\u2029\ufeff]")
_BLOCK_HEAD = re.compile(r"[|>](?:[+-]?[1-9]?|[1-9][+-])(?: *| +#.*)(?:\n|$)")
_MANY = 20  # characters of one kind that are told
_LONG = 200  # characters of a line that is told


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place."""

    value: str | list[Node] | dict[str, Pair]
    """Every scalar is the text that was written."""
    at: tuple[int, int]
    """Its line and column in the file."""
    plain: bool = False
    """Whether it is a text without quotes."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A name and what it is given."""

    name: Node
    value: Node


@dataclass(frozen=True, slots=True)
class Front:
    """The text of a frontmatter, in its file."""

    text: str
    """From after the line of the first fence to the line of the second."""
    line: int
    """The line of the file that it starts with."""

    def place(self, offset: int) -> tuple[int, int]:
        """Tell the place of a character."""
        line, column = place_of(self.text, offset)
        return line + self.line - 1, column


class _BoundError(Exception):
    """There is more of it than is read."""


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Tell the line and column of a character; only line feeds end a line."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def read_front(front: Front, found: Found) -> Node | None:
    """Read a frontmatter, and note what is wrong with it as YAML.

    Gives its fields, as far as lenient reading would read them; None where it would not.
    """
    if len(front.text) - 1 > MAX_FRONTMATTER:
        message = f"the frontmatter has over {MAX_FRONTMATTER:,} characters"
        found.add("frontmatter-size", message, at=(front.line, 1), loads=False)
        return None
    if match := _CONTROL.search(front.text):
        message = f"the frontmatter has the character U+{ord(match[0]):04X}"
        found.add("control-character", message, at=front.place(match.start()), loads=False)
        return None
    for match in islice(_SEPARATOR.finditer(front.text), _MANY):
        message = f"the frontmatter has the character U+{ord(match[0]):04X}"
        found.add("yaml-separator", message, at=front.place(match.start()))
    reader = _Reader(front, found)
    try:
        root = reader.read()
    except yaml.YAMLError as error:
        return _mended(front, found, reader, error)
    except _BoundError:
        return None
    if root is not None:
        reader.check_text()
    return _fields(root, front, found, hostile=reader.hostile)


def _mended(front: Front, found: Found, first: _Reader, error: yaml.YAMLError) -> Node | None:
    """Read it once more with quotes around what is no YAML."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None and mark.index >= len(front.text):  # a quote that is not closed
        mark = getattr(error, "context_mark", None) or mark
    at = front.place(mark.index) if mark is not None else (front.line, 1)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    text = quoted(front.text)
    if first.hostile or text == front.text:
        found.add("yaml-syntax", f"the frontmatter is not YAML: {problem}", at=at, loads=False)
        return None
    del found.faults[first.before :]  # the second reading finds them again
    second = _Reader(Front(text, front.line), found)
    try:
        root = second.read()
    except yaml.YAMLError:
        found.add("yaml-syntax", f"the frontmatter is not YAML: {problem}", at=at, loads=False)
        return None
    except _BoundError:
        return None
    changed = zip(front.text.split("\n"), text.split("\n"), strict=True)
    line = next(after for before, after in changed if before != after)
    name = line.partition(":")[0]
    mend = f"write {line}" if len(line) <= _LONG else ""
    found.add("yaml-unquoted", f"the value of {name} needs quotes: {problem}", at=at, mend=mend)
    return _fields(root, front, found, hostile=second.hostile)


def _fields(root: Node | None, front: Front, found: Found, *, hostile: bool) -> Node | None:
    if root is None:
        found.add("frontmatter-shape", "the frontmatter is empty", at=(front.line, 1), loads=False)
    elif not isinstance(root.value, dict):
        message = "the frontmatter is not made of NAME: VALUE lines"
        found.add("frontmatter-shape", message, at=root.at, loads=False)
    else:
        return None if hostile else root
    return None


class _Reader:
    """Builds values from events, and notes what a strict reader refuses."""

    def __init__(self, front: Front, found: Found) -> None:
        self._front = front
        self._found = found
        self.before = len(found.faults)
        self.hostile = False
        """Whether there was something that lenient reading refuses at once."""
        self._starts = [0, *(match.end() for match in re.finditer("\n", front.text))]
        self._spans: list[tuple[int, int]] = []
        self._depth = self._nodes = self._flows = 0

    def read(self) -> Node | None:
        """Read the one document.

        Raises:
            yaml.YAMLError: It is none.
            _BoundError: It is too large, which is noted.
        """
        events = self._counted()
        first = next(events, None)
        root = None if first is None else self._node(first, events)
        for _ in events:
            pass
        return root

    def check_text(self) -> None:
        """Look for what a strict reader refuses and events do not tell."""
        text = self._front.text
        for start, _ in self._spans:
            if text[start] in "|>" and not _BLOCK_HEAD.match(text, start):
                message = "a comment must stand apart from the mark of a block"
                self._found.add("yaml-syntax", message, at=self._place(start))
        if "\t" not in text:
            return
        for start, line in zip(self._starts, text.split("\n"), strict=True):
            at = self._tab_of(start, line) if "\t" in line else None
            if at is not None:
                self._found.add("yaml-tab", "a tab stands outside of quotes", at=self._place(at))

    def _tab_of(self, start: int, line: str) -> int | None:
        """Find the first tab of a line that is neither within a value nor in a comment."""
        for match in re.finditer("[\t#]", line):
            at = start + match.start()
            if self._within(at):
                continue
            if match[0] == "\t":
                return at
            if line[match.start() - 1 : match.start()] in ("", " "):
                return None
        return None

    def _within(self, offset: int) -> bool:
        """Tell whether a character belongs to a value in quotes or in a block."""
        index = bisect_right(self._spans, (offset, len(self._front.text))) - 1
        return index >= 0 and offset < self._spans[index][1]

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line + self._front.line - 1, offset - self._starts[line - 1] + 1

    def _refuse(self, rule: str, message: str, event: Any) -> None:
        self.hostile = True
        self._found.add(rule, message, at=self._at(event), loads=False)

    def _at(self, event: Any) -> tuple[int, int]:
        return self._place(_span(event)[0])

    def _counted(self) -> Iterator[Any]:
        documents = 0
        event: Any
        for event in events_of(self._front.text):
            if isinstance(event, yaml.NodeEvent):
                if event.anchor is not None or getattr(event, "tag", None):
                    self._check_node(event)
                self._depth += isinstance(event, yaml.CollectionStartEvent)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._depth -= 1
            elif isinstance(event, yaml.DocumentStartEvent) and documents:
                self._refuse("yaml-documents", "a second YAML document starts here", event)
                raise _BoundError
            else:
                documents += isinstance(event, yaml.DocumentStartEvent)
                continue
            self._nodes += 1
            if self._depth > MAX_DEPTH or self._nodes > MAX_NODES:
                message = f"there are over {MAX_DEPTH} levels or {MAX_NODES:,} values"
                self._refuse("frontmatter-size", message, event)
                raise _BoundError
            yield event

    def _check_node(self, event: Any) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._refuse("yaml-anchor", f"*{event.anchor} is a YAML alias", event)
        elif event.anchor is not None:
            self._refuse("yaml-anchor", f"&{event.anchor} is a YAML anchor", event)
        if getattr(event, "tag", None):
            self._refuse("yaml-tag", f"{event.tag} is a YAML tag", event)

    def _node(self, event: Any, events: Iterator[Any]) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            if event.style:
                self._spans.append(_span(event))
            return Node(event.value, self._at(event), plain=not event.style)
        if isinstance(event, yaml.AliasEvent):
            return Node("", self._at(event))
        if event.flow_style:
            if not self._flows:
                shown = "[...]" if isinstance(event, yaml.SequenceStartEvent) else "{...}"
                self._found.add("yaml-flow", f"{shown} is YAML's flow style", at=self._at(event))
            self._flows += 1
        if isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, events)
        else:
            node = self._mapping(event, events)
        self._flows -= bool(event.flow_style)
        return node

    def _sequence(self, start: Any, events: Iterator[Any]) -> Node:
        items = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._node(event, events))
        return Node(items, self._at(start))

    def _mapping(self, start: Any, events: Iterator[Any]) -> Node:
        pairs: dict[str, Pair] = {}
        indented = None
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            # Refused before more is read: what follows may be no YAML, and would be tried again.
            if isinstance(event, yaml.CollectionStartEvent):
                self._refuse("yaml-key", "a list or a mapping is used as a name", event)
            name = self._node(event, events)
            key = name.value if isinstance(name.value, str) else ""
            if name.plain and key == "<<":
                self._found.add("yaml-merge", "<< is YAML's merge", at=name.at)
            if key in pairs and name.value == key:
                first = pairs[key].name.at[0]
                self._refuse("yaml-duplicate", f"{key!r} was given on line {first} already", event)
            inner = next(events)
            value = self._node(inner, events)
            pairs.setdefault(key, Pair(name, value))
            if isinstance(inner, yaml.MappingStartEvent):
                indented = value.at[1] if indented is None else indented
                if value.at[1] != indented:
                    message = f"it starts in column {value.at[1]}, the one before in {indented}"
                    self._found.add("yaml-indent", message, at=value.at)
        return Node(pairs, self._at(start))


def _span(event: Any) -> tuple[int, int]:
    return event.start_mark.index, event.end_mark.index
