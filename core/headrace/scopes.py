"""Scopes of long-term memory: whose a memory is. For authors of such plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NAMES", "part_of_scope", "shown_scope", "whole_scope"]

NAMES = ("agent", "key", "user", "set")
"""The parts of a scope; the set of those that are in none is the empty text."""


def whole_scope(scope: Mapping[str, str]) -> dict[str, str]:
    """A scope in which nothing is missing.

    Raises:
        ValueError: It is none.
    """
    checked = {**_checked(scope), "set": scope.get("set", "")}
    if missing := [name for name in NAMES if name not in checked]:
        raise ValueError(f"the scope lacks {' and '.join(missing)}: this takes a whole one")
    return checked


def part_of_scope(scope: Mapping[str, str]) -> dict[str, str]:
    """A scope, or a part of one.

    Raises:
        ValueError: It is neither, or there is nothing in it: that would be everything.
    """
    checked = _checked(scope)
    if not checked:
        raise ValueError("the scope is empty: that would be everybody's memories")
    return checked


def shown_scope(scope: Mapping[str, str]) -> dict[str, str]:
    """A whole scope as a memory shows it: without a set where it is in none."""
    return {name: scope[name] for name in NAMES if name != "set" or scope.get("set")}


def _checked(scope: Mapping[str, str]) -> dict[str, str]:
    if unknown := sorted(map(repr, scope.keys() - set(NAMES))):
        raise ValueError(f"a scope has agent, key, user and set, not {', '.join(unknown)}")
    checked = {name: scope[name] for name in NAMES if name in scope}
    for name, value in checked.items():
        if not isinstance(value, str):
            raise ValueError(f"the scope's {name} is no text: {value!r}")  # noqa: TRY004
        value.encode()  # a lone half of a surrogate pair is a ValueError too
    return checked
