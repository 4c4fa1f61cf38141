"""Conditions on events: CEL, the Common Expression Language, through a kept library.

A condition knows ``event`` (its fields), ``event_type`` (a text, as in plans and logs) and ``key``.
A field that is there and null is ``== null``; one that is not there is told by ``has(...)``.
"""

from __future__ import annotations

import ast
import re
import types
import typing
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from headrace._cel import compile_cel
from headrace._samples import UNKNOWN, samples
from headrace.errors import ConditionError
from headrace.events import Event, event_types
from headrace.values import to_jsonable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CEL_TYPES", "check_condition", "compile_condition", "free_variables"]

_TEXTS = re.compile(
    r"""(?s)[rRbB]{0,2}(\"\"\".*?\"\"\"|'''.*?'''|"(\\.|[^"\\])*"|'(\\.|[^'\\])*')"""
)
_PATHS = re.compile(r"(?<![\w.])event((?:\s*\.\s*[A-Za-z_]\w*)+)(\s*\()?")
_NUMBERS = re.compile(r"(?<![\w.])-?\d+(?![\w.])")
_NAMES = frozenset({"event", "event_type", "key"})
CEL_TYPES = frozenset(
    {"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"}
)
_OF_TYPES = ("overload", "Unsupported operation", "Undefined variable or function")


def compile_condition(source: str) -> Callable[[Event, Any], bool]:
    """A test of an event and its key.

    Raises:
        ConditionError: The expression cannot be read; or, when the test is called, it failed on the
            event or gave something that is neither true nor false.
    """
    try:
        _, evaluate = compile_cel(source)
    except ValueError as error:
        raise ConditionError(f"the condition {source!r} cannot be read: {error}") from None

    def test(event: Event, key: Any) -> bool:
        fields = {name: to_jsonable(getattr(event, name)) for name in type(event).model_fields}
        try:
            result = evaluate(
                {"event": fields, "event_type": event_types(event)[0], "key": to_jsonable(key)}
            )
        except Exception as error:
            raise ConditionError(
                f"the condition {source!r} failed on {type(event).__name__}: "
                f"{type(error).__name__}: {error}"
            ) from error
        if not isinstance(result, bool):
            raise ConditionError(f"the condition {source!r} gave {result!r}, not true or false")
        return result

    return test


def check_condition(source: str, event_class: type[Event] | None) -> list[str]:
    """What is wrong with a condition: syntax, names, fields that the event has not, types.

    Args:
        source: The condition.
        event_class: The class of the events that it is asked of; ``None``, and ``Event`` itself:
            any, so that nothing is known of fields.
    """
    try:
        variables, _ = compile_cel(source)
    except ValueError as error:
        return [f"the condition {source!r} cannot be read: {error}"]
    faults = []
    if unknown := sorted(set(free_variables(variables, source)) - _NAMES - CEL_TYPES):
        faults.append(
            f"the condition {source!r} uses {', '.join(unknown)}; it knows only event, "
            "event_type and key"
        )
    if event_class is not None and event_class is not Event:
        bare = _TEXTS.sub('""', source)
        for match in _PATHS.finditer(bare):
            parts = [part.strip() for part in match[1].split(".")[1:]]
            if match[2]:
                parts = parts[:-1]  # the last one is a method: event.name.startsWith(...)
            if fault := _missing(event_class, parts):
                faults.append(f"the condition {source!r} reads {fault}")
        if not faults and (fault := _misfit(source, bare, event_class)):
            faults.append(f"the condition {source!r} {fault}")
    return faults


def _misfit(source: str, bare: str, event_class: type[Event]) -> str | None:
    """What the types of the fields do not allow, seen by trying the condition on some values.

    Only what fails for the types alone is told; where a type leaves its values open, nothing is.
    """
    if re.search(r"(?<![\w.])key\b|(?<![\w.])event\s*[^.\s\w]|(?<![\w.])event\s*$", bare):
        return None  # a key may be anything; fields may be read by names that are made
    read = {match[1].split(".")[1].strip() for match in _PATHS.finditer(bare)}
    texts = [text for match in _TEXTS.finditer(source) if (text := _text(match[0])) is not None]
    _, evaluate = compile_cel(source)
    for fields in samples(event_class, texts, _near(_NUMBERS.findall(bare))):
        if any(fields.get(name, UNKNOWN) is UNKNOWN for name in read):
            return None
        known = {name: value for name, value in fields.items() if value is not UNKNOWN}
        try:
            result = evaluate({"event": known, "event_type": event_class.event_type, "key": ""})
        except Exception as error:  # noqa: BLE001 - whatever the library raises
            if isinstance(error, TypeError) or any(word in str(error) for word in _OF_TYPES):
                return f"does not fit the types of {event_class.__name__}: {error}"
            continue
        if not isinstance(result, bool):
            return f"gives {result!r}, not true or false"
    return None


def _near(numbers: list[str]) -> list[int]:
    return [each + step for each in map(int, numbers) for step in (0, 1, -1)]


def _text(literal: str) -> str | None:
    try:
        value = ast.literal_eval(literal)
    except (SyntaxError, ValueError):
        return None
    return value if isinstance(value, str) else None


def free_variables(variables: list[str], source: str) -> list[str]:
    """Of the variables that a condition's library found, those that the condition does not bind."""
    bound = set(
        re.findall(
            r"\.\s*(?:exists_one|exists|all|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,",
            _TEXTS.sub('""', source),
        )
    )
    return [name for name in variables if name not in bound and not name.startswith("@")]


def _missing(event_class: type[BaseModel], parts: list[str]) -> str | None:
    model: Any = event_class
    for part in parts:
        model = _certain(model)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return None  # fields of other types are known only when the event is there
        if part not in model.model_fields:
            fields = ", ".join(model.model_fields) or "none"
            return f"the field {part!r}, which {model.__name__} does not have (it has: {fields})"
        model = model.model_fields[part].annotation
    return None


def _certain(kind: Any) -> Any:
    """A type without its ``None``."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        wanted = [one for one in typing.get_args(kind) if one is not type(None)]
        return wanted[0] if len(wanted) == 1 else None
    return kind
