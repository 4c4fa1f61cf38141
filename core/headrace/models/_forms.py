"""Answers in a form: what the model is told of it, and the check of what it gave."""

from __future__ import annotations

import copy
import functools
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from headrace.chat import Message, OutputSchema

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.chat import ChatRequest

__all__ = ["Form", "FormError", "in_words", "schema_checker"]

_FENCE = re.compile(r"\A\s*```[A-Za-z0-9]*\s*\n(.*)\n\s*```\s*\Z", re.DOTALL)
_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_MOST_FAULTS = 10
_KEPT = 256
"""Forms of each sort: more than the agents of a worker have."""
_WRAPPED = "value"
_DEFINITIONS = ("$defs", "definitions")


class FormError(ValueError):
    """An answer that does not keep to its form; the text tells the model what is wrong."""


class Form:
    """The form of an answer, from a type or a JSON schema.

    Args:
        wanted: A pydantic model, any other type that pydantic knows (``list[int]``,
            ``Literal["yes", "no"]``), or a JSON schema of an object.

    Raises:
        TypeError: It is none of these.
    """

    def __init__(self, wanted: Any) -> None:
        made = _made(wanted)
        self._read = made.read
        self._wrapped = made.wrapped
        # A copy: what is kept must stay as it is, whatever a plugin does with its request.
        self.schema = OutputSchema(name=made.name, json_schema=copy.deepcopy(made.schema))

    def check(self, data: Any) -> Any:
        """JSON data as what was wanted.

        Raises:
            FormError: It does not keep to the form.
        """
        return self._read(data)

    def read(self, text: str) -> Any:
        """The answer as what was wanted.

        Raises:
            FormError: It does not keep to the form.
        """
        data = _data(text)
        if self._wrapped:
            if not isinstance(data, dict) or set(data) != {_WRAPPED}:
                raise FormError(f"an object with the one field {_WRAPPED!r} is expected")
            data = data[_WRAPPED]
        return self._read(data)


class _Made(NamedTuple):
    """What a form consists of; made once, because it takes longer than a request's own overhead."""

    read: Callable[[Any], Any]
    schema: dict[str, Any]
    name: str
    wrapped: bool


def _made(wanted: Any) -> _Made:
    if isinstance(wanted, dict):
        try:
            text = json.dumps(wanted)
        except (TypeError, ValueError) as error:
            raise TypeError(f"this is no JSON schema of an answer: {error}") from None
        return _of_schema(text)
    try:
        hash(wanted)
    except TypeError:  # a type with annotations that cannot be told apart
        return _of_type.__wrapped__(wanted, "")
    # By its text too: unions are equal whatever the order of their parts, and schemas are not.
    return _of_type(wanted, repr(wanted))


@functools.lru_cache(_KEPT)
def _of_type(wanted: Any, _text: str) -> _Made:
    try:
        adapter = TypeAdapter(wanted)
        schema = adapter.json_schema()
    except Exception as error:  # noqa: BLE001 - types are the author's
        raise TypeError(f"no form of an answer can be made of {wanted!r}: {error}") from None

    def read(data: Any) -> Any:
        try:
            # As JSON: there a date is a text, and a tuple a list.
            return adapter.validate_json(json.dumps(data))
        except ValidationError as error:
            raise FormError(_told(error)) from None

    return _put_together(read, schema, str(getattr(wanted, "__name__", "output")))


@functools.lru_cache(_KEPT)
def _of_schema(text: str) -> _Made:
    schema = json.loads(text)
    # Of a copy: it writes whole addresses into references.
    return _put_together(
        schema_checker(json.loads(text)), schema, str(schema.get("title") or "output")
    )


def _put_together(read: Callable[[Any], Any], schema: dict[str, Any], name: str) -> _Made:
    wrapped = schema.get("type") != "object"
    if wrapped:
        # Providers take objects only. References begin at the root, so what they name stays.
        named = {name: schema[name] for name in _DEFINITIONS if name in schema}
        value = {name: part for name, part in schema.items() if name not in named}
        schema = {
            "type": "object",
            "properties": {_WRAPPED: value},
            "required": [_WRAPPED],
            "additionalProperties": False,
            **named,
        }
    return _Made(read, schema, _NAME.sub("_", name)[:64] or "output", wrapped)


def in_words(request: ChatRequest) -> ChatRequest:
    """A request whose form is told in the system prompt, for models that keep to none."""
    assert request.output is not None  # noqa: S101 - asked for where there is one
    schema = json.dumps(request.output.json_schema, ensure_ascii=False, separators=(",", ":"))
    words = (
        "Answer with one JSON value that is valid against this JSON schema, and with nothing else "
        f"(no explanation, no code fence):\n{schema}"
    )
    messages = request.messages
    if messages[0].role == "system":
        first = messages[0].model_copy(update={"content": f"{messages[0].content}\n\n{words}"})
        messages = (first, *messages[1:])
    else:
        messages = (Message(role="system", content=words), *messages)
    return request.model_copy(update={"messages": messages, "output": None})


def _data(text: str) -> Any:
    """The JSON in an answer, also in a code fence or between words."""
    fenced = _FENCE.match(text)
    body = fenced[1] if fenced else text
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        begin, end = body.find("{"), body.rfind("}")
        if 0 <= begin < end:
            try:
                return from_json(body[begin : end + 1], allow_inf_nan=False)
            except ValueError:
                pass
        raise FormError(f"it is not JSON: {error}") from None


def _told(error: ValidationError) -> str:
    faults = error.errors(include_url=False)
    told = [
        f"{'.'.join(str(part) for part in fault['loc']) or 'the answer'}: {fault['msg']}"
        for fault in faults[:_MOST_FAULTS]
    ]
    if len(faults) > _MOST_FAULTS:
        told.append(f"and {len(faults) - _MOST_FAULTS} more")
    return "; ".join(told)


def schema_checker(schema: dict[str, Any]) -> Callable[[Any], Any]:
    """Holds values against a JSON schema: gives them back, or raises ``FormError``.

    Raises:
        TypeError: It is no JSON schema.
    """
    import fastjsonschema

    try:
        compiled: Callable[[Any], Any] = fastjsonschema.compile(schema, use_default=False)
    except Exception as error:  # noqa: BLE001 - of many kinds, and all say what is wrong
        raise TypeError(f"this is no JSON schema of an answer: {error}") from None

    def check(data: Any) -> Any:
        try:
            compiled(data)
        except fastjsonschema.JsonSchemaValueException as error:
            raise FormError(str(error).replace("data", "the answer", 1)) from None
        return data

    return check
