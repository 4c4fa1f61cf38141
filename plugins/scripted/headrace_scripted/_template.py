"""Texts with fields, filled once: what is filled in is not read again."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import JsonValue

__all__ = [
    "Field",
    "FillError",
    "Template",
    "Tree",
    "as_text",
    "compile_tree",
    "fill_tree",
    "tree_fields",
]

_PARTS = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)*")


class FillError(Exception):
    """A field that has no value in this conversation."""


@dataclass(frozen=True, slots=True)
class Field:
    """A place for a value.

    Attributes:
        name: The value's name.
        path: Where in the JSON of the value, step by step; empty for the whole value.
    """

    name: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "{" + ".".join((self.name, *self.path)) + "}"

    def value(self, values: Mapping[str, str | None]) -> JsonValue:
        """The value: a text, or, with a path, whatever JSON stands there.

        Raises:
            FillError: There is none.
        """
        text = values[self.name]
        if text is None:
            raise FillError(f"{self} has no value: no tool has answered yet")
        if not self.path:
            return text
        value: JsonValue = text
        for depth, step in enumerate(self.path):
            here = ".".join((self.name, *self.path[:depth]))
            if isinstance(value, str):
                text = value
                # A script's result carries its standard output as a text, which is JSON again.
                try:
                    value = json.loads(text)
                except ValueError:
                    raise FillError(
                        f"{self} has no value: {here} is not JSON, it begins {text[:80]!r}"
                    ) from None
            value = _step(value, step, str(self), here)
        return value


@dataclass(frozen=True, slots=True)
class Template:
    """A text with fields."""

    parts: tuple[str | Field, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Reads ``{name}`` and ``{result.path.to.it}``; ``{{`` and ``}}`` are literal braces.

        Raises:
            ValueError: A brace stands alone, or what it holds is no field.
        """
        parts: list[str | Field] = []
        end = 0
        for match in _PARTS.finditer(text):
            parts.append(text[end : match.start()])
            end = match.end()
            if match[0] in {"{{", "}}"}:
                parts.append(match[0][0])
                continue
            if match[1] is None or not _FIELD.fullmatch(match[1]):
                what = f"a lone {match[0]!r}" if match[1] is None else f"{match[0]!r} is no field"
                raise ValueError(
                    f"{what} at character {match.start() + 1} (a literal brace is written twice: "
                    "{{ or }})"
                )
            name, *path = match[1].split(".")
            parts.append(Field(name, tuple(path)))
        parts.append(text[end:])
        return cls(tuple(part for part in parts if part != ""))

    @property
    def fields(self) -> Iterator[Field]:
        """Its fields, in order."""
        return (part for part in self.parts if isinstance(part, Field))

    def text(self, values: Mapping[str, str | None]) -> str:
        """The text with its fields filled.

        Raises:
            FillError: A field has no value.
        """
        return "".join(
            part if isinstance(part, str) else as_text(part.value(values)) for part in self.parts
        )

    def value(self, values: Mapping[str, str | None]) -> JsonValue:
        """Like ``text``; but a text that is one field and nothing else keeps the value's type.

        Raises:
            FillError: A field has no value.
        """
        if len(self.parts) == 1 and isinstance(self.parts[0], Field):
            return self.parts[0].value(values)
        return self.text(values)


Tree = Template | dict[str, "Tree"] | list["Tree"] | int | float | bool | None
"""A JSON value whose texts are templates."""


def compile_tree(
    value: JsonValue, place: tuple[str | int, ...], faults: list[tuple[tuple[str | int, ...], str]]
) -> Tree:
    """A JSON value with its texts read as templates; what is wrong goes to ``faults``."""
    if isinstance(value, str):
        try:
            return Template.parse(value)
        except ValueError as error:
            faults.append((place, str(error)))
            return None
    if isinstance(value, dict):
        return {name: compile_tree(item, (*place, name), faults) for name, item in value.items()}
    if isinstance(value, list):
        return [compile_tree(item, (*place, at), faults) for at, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        faults.append((place, f"{value} is not JSON"))
        return None
    return value


def fill_tree(tree: Tree, values: Mapping[str, str | None]) -> JsonValue:
    """The JSON value with its texts filled.

    Raises:
        FillError: A field has no value.
    """
    if isinstance(tree, Template):
        return tree.value(values)
    if isinstance(tree, dict):
        return {name: fill_tree(item, values) for name, item in tree.items()}
    if isinstance(tree, list):
        return [fill_tree(item, values) for item in tree]
    return tree


def tree_fields(
    tree: Tree, place: tuple[str | int, ...]
) -> Iterator[tuple[Field, tuple[str | int, ...]]]:
    """All fields of a tree, each with its place."""
    if isinstance(tree, Template):
        yield from ((field, place) for field in tree.fields)
    elif isinstance(tree, dict):
        for name, item in tree.items():
            yield from tree_fields(item, (*place, name))
    elif isinstance(tree, list):
        for at, item in enumerate(tree):
            yield from tree_fields(item, (*place, at))


def as_text(value: JsonValue) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _step(value: JsonValue, step: str, field: str, here: str) -> JsonValue:
    if isinstance(value, dict):
        if step in value:
            return value[step]
        known = ", ".join(list(value)[:10]) or "nothing"
        raise FillError(f"{field} has no value: {here} has no {step!r} (it has: {known})")
    if isinstance(value, list):
        if step.isdecimal() and int(step) < len(value):
            return value[int(step)]
        raise FillError(f"{field} has no value: {here} is a list of {len(value)}, not {step!r}")
    raise FillError(f"{field} has no value: {here} is {as_text(value)}, which holds nothing")
