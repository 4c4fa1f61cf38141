"""What Ollama is told of a tool's parameters.

The vendor's client knows a small part of JSON schema: of each parameter its type, items, choices
and description. The rest it drops without a word: the fields of a nested object, limits, patterns,
alternatives, references. So references are put in their place, and what would be dropped is written
into the description, as JSON that models can read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.chat import ToolSpec

__all__ = ["tool_of"]

_TOLD = frozenset({"type", "items", "enum", "description", "title"})
_TOLD_OF_ALL = frozenset(
    {"type", "properties", "required", "additionalProperties", "title", "description"}
    | {"$schema", "$defs", "definitions"}
)
_DATA = frozenset({"enum", "const", "default", "examples"})
"""Under these stand values, in which ``$ref`` means nothing."""
_BY_NAME = frozenset({"properties", "patternProperties"})
_DEFINITIONS = frozenset({"$defs", "definitions"})
_MOST_PARTS = 5_000
"""References of references grow without end: servers of tools are not to be trusted."""
_DEEPEST = 60


def tool_of(spec: ToolSpec) -> dict[str, Any]:
    """A tool in Ollama's form.

    Raises:
        ModelError: ``bad_request``: its schema is too large.
    """
    schema = _Inliner(spec).whole()
    properties = schema.get("properties")
    required = schema.get("required")
    function: dict[str, Any] = {
        "name": spec.name,
        "parameters": {
            "type": "object",
            "properties": {
                name: _property(part)
                for name, part in (properties if isinstance(properties, dict) else {}).items()
            },
            "required": required if isinstance(required, list) else [],
        },
    }
    rest = {name: value for name, value in schema.items() if name not in _TOLD_OF_ALL}
    if words := _joined(spec.description, rest):
        function["description"] = words
    return {"type": "function", "function": function}


def _property(schema: Any) -> dict[str, Any]:
    if not isinstance(schema, dict):  # true and false are schemas too
        return {}
    schema = _without_null(schema)
    told = {name: schema[name] for name in ("type", "items", "enum") if name in schema}
    rest = {
        name: value
        for name, value in schema.items()
        if name not in _TOLD and not (name == "default" and value is None)
    }
    if words := _joined(str(schema.get("description", "")), rest):
        told["description"] = words
    return told


def _joined(description: str, rest: Mapping[str, Any]) -> str:
    if not rest:
        return description
    words = f"JSON schema: {json.dumps(rest, ensure_ascii=False, separators=(',', ':'))}"
    return f"{description} ({words})" if description else words


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """An optional value (``anyOf`` it and null) as one of two types, which Ollama knows."""
    choices = schema.get("anyOf")
    if not isinstance(choices, list):
        return schema
    others = [choice for choice in choices if choice != {"type": "null"}]
    if len(others) == len(choices) or len(others) != 1 or not isinstance(others[0], dict):
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    merged = {**others[0], **rest}
    kind = merged.get("type")
    return {**merged, "type": [kind, "null"]} if isinstance(kind, str) else merged


class _Inliner:
    """Puts what references point to in their place, within bounds."""

    def __init__(self, spec: ToolSpec) -> None:
        self._spec = spec
        self._parts = 0

    def whole(self) -> dict[str, Any]:
        """The tool's schema without references."""
        found: dict[str, Any] = self._inlined(self._spec.parameters, (), 0)
        return found

    def _inlined(self, node: Any, inside: tuple[str, ...], depth: int) -> Any:
        """A part of the schema without references.

        Args:
            node: The part.
            inside: The references that led to it: one of them again would go on for ever.
            depth: How many parts it is in.
        """
        self._parts += 1
        if self._parts > _MOST_PARTS or depth > _DEEPEST:
            raise ModelError(
                f"the schema of the tool {self._spec.name} is too large: with its references "
                f"followed it has more than {_MOST_PARTS} parts, or is {_DEEPEST} deep",
                code="bad_request",
            )
        if isinstance(node, list):
            return [self._inlined(each, inside, depth + 1) for each in node]
        if not isinstance(node, dict):
            return node
        reference = node.get("$ref")
        if isinstance(reference, str):
            others = {name: value for name, value in node.items() if name != "$ref"}
            found = None if reference in inside else self._found(reference)
            if found is None:
                others.setdefault("description", f"a {reference.rpartition('/')[2]}")
                return self._inlined(others, inside, depth + 1)
            return self._inlined({**found, **others}, (*inside, reference), depth + 1)
        return {
            name: self._value(name, value, inside, depth)
            for name, value in node.items()
            if name not in _DEFINITIONS
        }

    def _value(self, name: str, value: Any, inside: tuple[str, ...], depth: int) -> Any:
        if name in _DATA:
            return value
        if name in _BY_NAME and isinstance(value, dict):  # the names are the tool's own
            return {key: self._inlined(part, inside, depth + 1) for key, part in value.items()}
        return self._inlined(value, inside, depth + 1)

    def _found(self, reference: str) -> dict[str, Any] | None:
        """What a reference within the schema points to."""
        node: Any = self._spec.parameters
        first, *steps = reference.split("/")
        if first != "#":
            return None
        for step in steps:
            name = step.replace("~1", "/").replace("~0", "~")
            node = node.get(name) if isinstance(node, dict) else None
        return node if isinstance(node, dict) else None
