"""Conditions on events: CEL, the Common Expression Language, through a kept library."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from headrace._cel import compile_cel
from headrace.errors import ConditionError
from headrace.values import to_jsonable

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.events import Event

__all__ = ["check_condition", "compile_condition"]

_TEXTS = re.compile(
    r"""(?s)[rRbB]{0,2}(\"\"\".*?\"\"\"|'''.*?'''|"(\\.|[^"\\])*"|'(\\.|[^'\\])*')"""
)
_PATHS = re.compile(r"(?<![\w.])event((?:\s*\.\s*[A-Za-z_]\w*)+)(\s*\()?")
_NAMES = frozenset({"event", "key"})


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
            result = evaluate({"event": fields, "key": to_jsonable(key)})
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
    """What is wrong with a condition: its syntax, unknown names, fields that the event has not."""
    try:
        variables, _ = compile_cel(source)
    except ValueError as error:
        return [f"the condition {source!r} cannot be read: {error}"]
    faults = []
    if unknown := sorted(set(_free_variables(variables, source)) - _NAMES):
        faults.append(
            f"the condition {source!r} uses {', '.join(unknown)}; it knows only event and key"
        )
    if event_class is not None:
        bare = _TEXTS.sub('""', source)
        for match in _PATHS.finditer(bare):
            parts = [part.strip() for part in match[1].split(".")[1:]]
            if match[2]:
                parts = parts[:-1]  # the last one is a method: event.name.startsWith(...)
            if fault := _missing(event_class, parts):
                faults.append(f"the condition {source!r} reads {fault}")
    return faults


def _free_variables(variables: list[str], source: str) -> list[str]:
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
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return None  # fields of other types are known only when the event is there
        if part not in model.model_fields:
            fields = ", ".join(model.model_fields) or "none"
            return f"the field {part!r}, which {model.__name__} does not have (it has: {fields})"
        model = model.model_fields[part].annotation
    return None
