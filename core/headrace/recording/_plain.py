"""Stored forms as plain JSON, without looking for the classes that they were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from headrace.chat import Usage
from headrace.values import decode

if TYPE_CHECKING:
    from headrace.values import Stored

__all__ = ["answer_of", "plain", "usage_of"]


def plain(stored: Stored) -> Any:
    """What a stored form holds, as JSON: objects for models and dataclasses, texts for times.

    Nothing is imported: a class that has moved, or never was there, is shown all the same.
    """
    if type(stored) is list:
        items = []
        for item in stored:
            items.append(plain(item))  # noqa: PERF401 - a comprehension is a frame more a level
        return items
    if type(stored) is not dict:
        return stored
    if "$" in stored:
        return _untagged(stored)
    fields = {}
    for name, item in stored.items():
        fields[name] = plain(item)
    return fields


def _untagged(stored: dict[str, Any]) -> Any:
    value = stored.get("v")
    if stored["$"] == "dict" and type(value) is list:
        pairs = {}
        for pair in value:
            if type(pair) is list and len(pair) == 2:  # noqa: PLR2004 - a name and its value
                name = plain(pair[0])
                pairs[name if type(name) is str else repr(name)] = plain(pair[1])
        return pairs
    return plain(value)


def answer_of(outcome: Stored) -> dict[str, Any]:
    """The answer of a model, from the outcome of its call; empty where it is none."""
    found = plain(outcome)
    first = found[0] if type(found) is list and found else None
    return first if type(first) is dict else {}


def usage_of(outcome: Stored) -> Usage:
    """What a model's answer has cost, from the outcome of its call."""
    try:
        usage = outcome["v"][0]["v"]["usage"]["v"]
        return Usage.model_validate(decode(usage))
    except (KeyError, TypeError, IndexError, ValidationError):
        return Usage()
