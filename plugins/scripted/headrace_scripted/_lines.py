"""YAML with the line of each of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from headrace_scripted._rules import Place

__all__ = ["Document"]


class Document:
    """A YAML text that was read.

    Attributes:
        data: What it holds.
        lines: The line (from 1) on which each part begins.
        repeated: Keys that a mapping has twice, with the second one's line; YAML readers let the
            last one win in silence.

    Raises:
        yaml.YAMLError: The text is not YAML.
        ValueError: A value in it is none, such as a date in a thirteenth month.
    """

    __slots__ = ("data", "lines", "repeated")

    def __init__(self, text: str) -> None:
        self.data: Any = None
        self.lines: dict[Place, int] = {}
        self.repeated: list[tuple[Place, int]] = []
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is not None:
                self._walk(node, (), ())
                self.data = loader.construct_document(node)
        finally:
            loader.dispose()

    def _walk(self, node: yaml.Node, place: Place, above: tuple[int, ...]) -> None:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if id(node) in above:
            return  # an alias inside its own anchor: the check of the shape refuses it
        above = (*above, id(node))
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                label = str(key.value)
                inner: Place = (*place, label)
                line = key.start_mark.line + 1
                if label in seen and label != "<<":
                    self.repeated.append((inner, line))
                seen.add(label)
                self.lines[inner] = line
                self._walk(value, inner, above)
        elif isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                self._walk(item, (*place, number), above)
