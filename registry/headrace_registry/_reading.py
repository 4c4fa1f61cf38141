"""JSON read into dataclasses with every type checked, and written from them.

This is pydantic's core with no more of pydantic: importing that, and deriving models by it, takes
longer than reading a registry of 1,000 wheels.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from pydantic_core import SchemaSerializer, SchemaValidator
from pydantic_core import core_schema as core

__all__ = ["reader", "writer"]


@cache
def reader(kind: type) -> SchemaValidator:
    """What reads a dataclass made of texts, numbers, tuples and such dataclasses."""
    return SchemaValidator(_schema(kind))


@cache
def writer(kind: type) -> SchemaSerializer:
    """What writes such a dataclass."""
    return SchemaSerializer(_schema(kind))


@cache
def _schema(kind: Any) -> core.CoreSchema:
    if kind is str:
        return core.str_schema()
    if kind is int:
        return core.int_schema()
    parts = get_args(kind)
    if get_origin(kind) is tuple and parts[1:] == (...,):
        return core.tuple_schema([_schema(parts[0])], variadic_item_index=0)
    if len(parts) == 2 and parts[1] is NoneType:  # noqa: PLR2004 - X | None
        return core.nullable_schema(_schema(parts[0]))
    if not is_dataclass(kind):
        raise TypeError(f"{kind} is none of the types that can be read")
    return _of_dataclass(kind)


def _of_dataclass(kind: Any) -> core.CoreSchema:
    types = get_type_hints(kind)
    inner = []
    for field in fields(kind):
        schema = _schema(types[field.name])
        if field.default is not MISSING:
            schema = core.with_default_schema(schema, default=field.default)
        elif field.default_factory is not MISSING:
            schema = core.with_default_schema(schema, default_factory=field.default_factory)
        inner.append(core.dataclass_field(field.name, schema))
    return core.dataclass_schema(
        kind,
        core.dataclass_args_schema(kind.__name__, inner),
        [field.name for field in fields(kind)],
        slots="__slots__" in vars(kind),
    )
