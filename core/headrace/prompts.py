"""Prompts: texts and messages with ``{name}`` fields, and the names that an input gives."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import sys
from collections.abc import Collection, Mapping
from types import FunctionType, MethodType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel

from headrace.chat import Message
from headrace.errors import MemoryValueError, PromptError, ResourceError
from headrace.interfaces import PromptSource
from headrace.values import to_jsonable

__all__ = [
    "Prompt",
    "input_fields",
    "is_source",
    "is_structured",
    "made_prompt",
    "names",
    "text_of",
    "told",
]

_FIELD = re.compile(r"\{\{([A-Za-z_][A-Za-z0-9_]*)\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ASKED = (FunctionType, MethodType, functools.partial)


class Prompt(BaseModel):
    """A text or messages with ``{name}`` fields, filled once.

    ::

        Prompt("Is {name} a person? Answer as in this example: {'person': true}")
        Prompt(messages=[Message(role="system", content="You speak {language}."), ...])

    A name that is not given stays as it is, and so do all other braces, so that JSON examples need
    no escape; ``{{name}}`` stands for a literal ``{name}``. What is filled in is not read again.
    Fields are in the messages' texts, and in the addresses and data of their images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: tuple[Message, ...] = Field(min_length=1)
    """The messages, in order."""

    def __init__(self, text: str | None = None, /, **data: Any) -> None:
        if text is not None:
            data["messages"] = (Message(role="user", content=text),)
        super().__init__(**data)

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields."""
        found = (match[1] for text in self._texts() for match in _FIELD.findall(text))
        return frozenset(name for name in found if name)

    def fill(self, /, **values: Any) -> tuple[Message, ...]:
        """The messages with their fields filled.

        Args:
            **values: By the fields' names. A text is filled in as it is, everything else as JSON.
                ``input`` gives its own fields too (``input_fields``); other names come before
                them. A function without arguments is asked for the value.

        Raises:
            PromptError: A value has no text that a model could be told.
        """
        texts = told(values, self.fields)

        def put(match: re.Match[str]) -> str:
            if match[1]:
                return "{" + match[1] + "}"
            return texts.get(match[2], match[0])

        def filled(text: str) -> str:
            return _FIELD.sub(put, text)

        return tuple(_changed(message, filled) for message in self.messages)

    def _texts(self) -> list[str]:
        found = []
        for message in self.messages:
            found.append(message.content)
            for image in message.images:
                found += [text for text in (image.url, image.data) if text is not None]
        return found


def _changed(message: Message, filled: Any) -> Message:
    images = tuple(
        image.model_copy(
            update={
                "url": image.url and filled(image.url),
                "data": image.data and filled(image.data),
            }
        )
        for image in message.images
    )
    return message.model_copy(update={"content": filled(message.content), "images": images})


def told(values: Mapping[str, Any], names: Collection[str] | None = None) -> dict[str, str]:
    """What a model is told of values, by name; ``input`` gives its own fields too.

    Args:
        values: The values; a function is asked for one.
        names: Those that are wanted; ``None``: all.

    Raises:
        PromptError: One has no text.
    """
    given = dict(values)
    if "input" in given:
        given = {**input_fields(given.pop("input")), **given}
    wanted = given.keys() if names is None else given.keys() & names
    return {name: _told(name, given[name]) for name in sorted(wanted)}


def _told(name: str, value: Any) -> str:
    if isinstance(value, _ASKED):
        value = value()
    try:
        return text_of(value)
    except MemoryValueError as error:
        raise PromptError(f"the field {name!r} cannot be told to a model: {error}") from None


def is_source(found: Any) -> bool:
    """Whether what provides a prompt is built on the worker, and fills it itself."""
    return isinstance(found, type) and issubclass(found, PromptSource)


def made_prompt(found: Any, arguments: Mapping[str, Any], name: str) -> Prompt:
    """The prompt that a plugin or the project gives under a name.

    Args:
        found: A ``Prompt``, the text of one, or a function that returns either.
        arguments: The function's arguments.
        name: The prompt's name, for errors.

    Raises:
        ResourceError: It is none of these, or the function failed.
    """
    made = found
    if callable(found) and not isinstance(found, type):
        try:
            made = found(**arguments)
        except Exception as error:
            raise ResourceError(
                f"the prompt {name!r} cannot be made: {type(error).__name__}: {error}"
            ) from error
    elif arguments:
        raise ResourceError(
            f"the prompt {name!r} is no function, so it takes no arguments: {', '.join(arguments)}"
        )
    if isinstance(made, (Prompt, str)):
        return made if isinstance(made, Prompt) else Prompt(made)
    raise ResourceError(
        f"the prompt {name!r} is a {type(made).__name__}: it must be a Prompt, a text, or a "
        "function that returns one; what fills it elsewhere is a PromptSource"
    )


def text_of(value: Any) -> str:
    """What a model is told of a value: a text as it is, everything else as JSON.

    Raises:
        MemoryValueError: It is neither JSON-like nor anything that has a text.
    """
    if type(value) is str:
        return value
    try:
        data = to_jsonable(_plain(value))
    except MemoryValueError:
        kind: Any = type(value)
        if kind.__str__ is object.__str__:
            raise
        return str(value)
    if isinstance(data, str):
        return data
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def input_fields(value: Any) -> dict[str, Any]:
    """The names that an input gives to prompts.

    A mapping, a pydantic model (an event is one), a dataclass, a named tuple and a named PyFlink
    ``Row`` give their fields. ``input`` is the whole, whatever it is, where no field has that name.
    """
    return {"input": value, **(_fields(value) or {})}


def names(prompt: Prompt | PromptSource, value: Any) -> bool:
    """Whether a prompt has a field for an input, or for a part of it."""
    return prompt.fields is None or bool(prompt.fields & input_fields(value).keys())


def is_structured(value: Any) -> bool:
    """Whether an input has parts, so that it takes a prompt to say how it is told."""
    return _fields(value) is not None or (
        isinstance(value, (list, tuple, set, frozenset)) or _is_row(value)
    )


def _fields(value: Any) -> dict[str, Any] | None:
    """The fields of a value that has some."""
    if isinstance(value, RootModel):
        return _fields(value.root)
    if isinstance(value, Mapping):
        return {str(name): item for name, item in value.items()}
    if isinstance(value, BaseModel):
        names = type(value).model_fields
        return {name: getattr(value, name) for name in names} | (value.model_extra or {})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return dict(value._asdict())
    if _is_row(value) and hasattr(value, "_fields"):
        return dict(value.as_dict())
    return None


def _is_row(value: Any) -> bool:
    """Whether it is a PyFlink Row; where there is none, nobody has imported PyFlink."""
    rows = getattr(sys.modules.get("pyflink.common"), "Row", None)
    return rows is not None and isinstance(value, rows)


def _plain(value: Any) -> Any:
    """A value whose parts with fields are mappings."""
    fields = _fields(value)
    if fields is not None:
        return {name: _plain(item) for name, item in fields.items()}
    if isinstance(value, (list, tuple)) or _is_row(value):
        return [_plain(item) for item in value]
    return value
