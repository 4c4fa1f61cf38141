"""The key of an input by the name of a field, the same on every engine."""

from __future__ import annotations

from typing import Any

from headrace.errors import HeadraceError

__all__ = ["FieldKey", "MissingFieldError"]


class MissingFieldError(HeadraceError):
    """An input has no such field; the message has those that it has."""


class FieldKey:
    """Gives a field of an input.

    Args:
        field: The field's name; dots lead into nested ones. A field whose own name has the dots is
            found first.
    """

    def __init__(self, field: str) -> None:
        self._field = field
        self._parts = field.split(".")

    def __call__(self, value: Any) -> Any:
        """The key.

        Raises:
            MissingFieldError: With the field, and the fields that there are.
        """
        if isinstance(value, dict) and self._field in value:
            return value[self._field]
        found = value
        for depth, part in enumerate(self._parts):
            if not isinstance(found, dict):
                above = ".".join(self._parts[:depth])
                what = f"its {above!r} is" if above else "the input is"
                raise self._missing(f"{what} {_kind(found)}, and has no fields")
            if part not in found:
                has = ", ".join(repr(name) for name in list(found)[:12]) or "none"
                raise self._missing(f"there is no {part!r}; the fields are: {has}")
            found = found[part]
        return found

    def _missing(self, why: str) -> MissingFieldError:
        return MissingFieldError(f"no key {self._field!r}: {why}")


_KINDS = {str: "a text", list: "a list", bool: "true or false", type(None): "null"}


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "a number" if isinstance(value, (int, float)) else "no object")
