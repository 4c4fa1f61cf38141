"""The published schema of the form, with what each field means: for completion in editors."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from headrace.agent_yaml._faults import ways
from headrace.agent_yaml._form import YamlFile
from headrace.settings._table import meanings

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["schema"]


def schema() -> dict[str, Any]:
    """The JSON schema of the form, made from the models that read it."""
    made = YamlFile.model_json_schema(by_alias=True)
    made["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    made["title"] = "headrace agents"
    for kind in _models(YamlFile, set()):
        part = made if kind is YamlFile else made["$defs"].get(kind.__name__)
        if part is not None:
            _describe(part, kind)
    return made


def _describe(part: dict[str, Any], kind: type[BaseModel]) -> None:
    """Puts the texts below a model's fields into its schema."""
    for base in reversed(kind.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            for name, text in meanings(base).items():
                field = kind.model_fields.get(name)
                label = (field.alias if field is not None else None) or name
                if label in part["properties"]:
                    part["properties"][label]["description"] = text


def _models(kind: Any, seen: set[Any]) -> Iterator[type[BaseModel]]:
    """The models that a type is made of."""
    for one in ways(kind):
        if isinstance(one, type) and issubclass(one, BaseModel) and one not in seen:
            seen.add(one)
            yield one
            for field in one.model_fields.values():
                yield from _models(field.annotation, seen)
        for argument in typing.get_args(one):
            yield from _models(argument, seen)
