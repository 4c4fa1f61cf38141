"""What is wrong with a file's content, in words, with its place and the nearest right name."""

from __future__ import annotations

import difflib
import types
import typing
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from headrace.agent_yaml._form import YamlFile
from headrace.agent_yaml._reading import NAME, place_of
from headrace.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headrace.agent_yaml._reading import Places

__all__ = ["content_faults", "nearest", "ways"]

_TOLD = {
    "model_type": "must be a mapping of names to values",
    "dict_type": "must be a mapping of names to values",
    "tuple_type": "must be a list",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "missing": "is missing",
    "invalid_key": "a name must be a text: put it in quotes",
}


def nearest(name: str, names: Iterable[str], *, otherwise: str = "") -> str:
    """A hint at what may have been meant."""
    known = list(names)
    if near := difflib.get_close_matches(name, known, 1):
        return f"did you mean {near[0]}?"
    return f"there is: {', '.join(known)}" if known else otherwise


def content_faults(errors: Iterable[Any], places: Places, where: str) -> list[Fault]:
    """Pydantic's errors as faults: one for each part, however many ways there are to write it."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for error in errors:
        place, label, text, hint = _told(error, places, where)
        texts = found.setdefault((place, label, hint), [])
        texts += [] if text in texts else [text]
    return [
        Fault(place, ": ".join(filter(None, (label, ", or ".join(texts)))), hint)
        for (place, label, hint), texts in found.items()
    ]


def _told(error: Any, places: Places, where: str) -> tuple[str, str, str, str]:
    """Place, label, text and hint."""
    path: list[Any] = []
    for number, part in enumerate(error["loc"], 1):
        # What is not in the file is a field that is missing, or else which of several ways to
        # write something pydantic has tried.
        missing = error["type"] == "missing" and number == len(error["loc"])
        if missing or (*path, part) in places:
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
    return place_of(tuple(path), places, where), label, text, hint


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
