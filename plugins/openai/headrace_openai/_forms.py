"""JSON schemas in the words of OpenAI's strict mode (its guide to structured outputs).

In strict mode every property is required, no other is allowed, and many keywords are unknown. An
answer that keeps to the strict schema keeps to the given one too, but for some limits that strict
mode does not know (``minLength``): those are left to whoever checks the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["strict_schema"]

_KEPT = frozenset(
    {
        "const",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maxItems",
        "maximum",
        "minItems",
        "minimum",
        "multipleOf",
        "pattern",
        "title",
        "type",
    }
)
_DROPPED = frozenset(
    {"$comment", "$id", "$schema", "default", "deprecated", "discriminator", "examples"}
    | {"maxLength", "minLength", "uniqueItems"}
)
_NESTED = frozenset(
    {"$defs", "$ref", "additionalProperties", "allOf", "anyOf", "definitions", "items", "oneOf"}
    | {"properties", "required"}
)
_TELLING = frozenset({"$ref", "allOf", "anyOf", "const", "enum", "oneOf", "type"})


class _Unsayable(Exception):  # noqa: N818 - never leaves this module
    """Strict mode has no words for this."""


def strict_schema(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """The schema in strict words; ``None`` where there are none, as for maps with free keys."""
    try:
        strict = _strict(schema, schema, ())
        if "$ref" in strict:  # a root may not be one
            target = _target(strict["$ref"], schema)
            definitions = {name: value for name, value in strict.items() if name != "$ref"}
            strict = {**_strict(target, schema, ()), **definitions}
    except _Unsayable:
        return None
    return strict if strict.get("type") == "object" else None


def _strict(
    schema: Any, root: Mapping[str, Any], inlined: tuple[str, ...], *, nested: bool = False
) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or schema.keys() - _KEPT - _DROPPED - _NESTED:
        raise _Unsayable
    if nested and not schema.keys() & _TELLING:
        raise _Unsayable  # anything at all
    if "oneOf" in schema and "discriminator" not in schema:
        raise _Unsayable  # only told apart, one of them is as good as any of them
    given = {name: value for name, value in schema.items() if name not in _DROPPED}
    if "allOf" in given:
        parts = given.pop("allOf")
        if len(parts) != 1:
            raise _Unsayable
        return _strict({**parts[0], **given}, root, inlined, nested=nested)
    if "$ref" in given:
        target = _target(given["$ref"], root)
        if given.keys() - {"$ref", "$defs", "definitions"}:
            # A reference must stand alone; what stands beside it (a description) is worth keeping.
            reference = given.pop("$ref")
            if reference in inlined:
                raise _Unsayable
            return _strict({**target, **given}, root, (*inlined, reference), nested=nested)
    strict = {name: value for name, value in given.items() if name in _KEPT or name == "$ref"}
    for name in ("$defs", "definitions"):
        if name in given:
            strict[name] = {
                key: _strict(value, root, inlined, nested=True)
                for key, value in given[name].items()
            }
    for name in ("anyOf", "oneOf"):
        if name in given:
            strict["anyOf"] = [_strict(one, root, inlined, nested=True) for one in given[name]]
    kinds = given.get("type", ())
    if "items" in given or "array" in ([kinds] if isinstance(kinds, str) else kinds):
        strict["items"] = _strict(given.get("items"), root, inlined, nested=True)
    if "properties" in given or "object" in ([kinds] if isinstance(kinds, str) else kinds):
        strict |= _object(given, root, inlined)
    return strict


def _object(
    given: Mapping[str, Any], root: Mapping[str, Any], inlined: tuple[str, ...]
) -> dict[str, Any]:
    if "properties" not in given and given.get("additionalProperties", True) is not False:
        raise _Unsayable  # a map with free keys
    properties = {
        name: _strict(value, root, inlined, nested=True)
        for name, value in given.get("properties", {}).items()
    }
    if set(given.get("required", ())) - properties.keys():
        raise _Unsayable
    return {
        "type": given.get("type", "object"),
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _target(reference: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference inside the schema stands for."""
    if not isinstance(reference, str) or not reference.startswith("#/"):
        raise _Unsayable
    found: Any = root
    for part in reference[2:].split("/"):
        if not isinstance(found, Mapping) or part not in found:
            raise _Unsayable
        found = found[part]
    if not isinstance(found, Mapping):
        raise _Unsayable
    return found
