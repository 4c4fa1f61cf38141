"""What is wrong with a file's content, in words, with its place and the nearest right name."""

from __future__ import annotations

import difflib
import types
import typing
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from headrace.agent_yaml._form import TAGS, YamlFile
from headrace.agent_yaml._reading import NAME, place_of
from headrace.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headrace.agent_yaml._reading import Places

__all__ = ["content_fault", "nearest", "ways"]

_TOLD = {
    "model_type": "must be a mapping of names to values",
    "dict_type": "must be a mapping of names to values",
    "tuple_type": "must be a list",
    "missing": "is missing",
}


def nearest(name: str, names: Iterable[str], *, otherwise: str = "") -> str:
    """A hint at what may have been meant."""
    known = list(names)
    if near := difflib.get_close_matches(name, known, 1):
        return f"did you mean {near[0]}?"
    return f"there is: {', '.join(known)}" if known else otherwise


def content_fault(error: Any, places: Places, where: str) -> Fault:
    """One of pydantic's errors as a fault."""
    path: list[Any] = []
    for part in error["loc"]:
        if (*path, part) in places or part not in TAGS:
            path.append(part)
    label = ".".join(map(str, path))
    text = _TOLD.get(error["type"], error["msg"])
    hint = ""
    if error["type"] == "extra_forbidden":
        text = "there is no such field"
        known = sorted(set(_fields(YamlFile, path[:-1])))
        near = difflib.get_close_matches(str(path[-1]), known, 1)
        hint = f"did you mean {near[0]}?" if near else f"fields: {', '.join(known)}"
        path.append(NAME)
    return Fault(place_of(tuple(path), places, where), f"{label}: {text}" if label else text, hint)


def _fields(kind: Any, path: list[Any]) -> Iterator[str]:
    """The names of the fields that there are at a path of the form."""
    for one in ways(kind):
        if isinstance(one, type) and issubclass(one, BaseModel):
            fields = {field.alias or name: field for name, field in one.model_fields.items()}
            if not path:
                yield from fields
            elif path[0] in fields:
                yield from _fields(fields[path[0]].annotation, path[1:])
        elif path and typing.get_origin(one) in {dict, tuple}:
            arguments = typing.get_args(one)
            value = arguments[1] if typing.get_origin(one) is dict else arguments[0]
            yield from _fields(value, path[1:])


def ways(kind: Any) -> Iterator[Any]:
    """The ways in which a field may be written."""
    if typing.get_origin(kind) is typing.Annotated:
        yield from ways(typing.get_args(kind)[0])
    elif typing.get_origin(kind) in {typing.Union, types.UnionType}:
        for one in typing.get_args(kind):
            yield from ways(one)
    else:
        yield kind
