"""Parameters as people type them: what reads as JSON is that, where it is not meant as a text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["made_of_typed", "read_typed"]

T = TypeVar("T")


def read_typed(text: str) -> Any:
    """What a text stands for: JSON, or itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def made_of_typed(
    make: Callable[..., T], typed: Mapping[str, str], given: Mapping[str, Any] | None = None
) -> T:
    """Makes something that checks its arguments by pydantic.

    ``code=007`` and ``code=7`` read as numbers; where the field is a text, the text is taken.

    Args:
        make: Takes the arguments by name.
        typed: Those that were typed; they count before the given ones.
        given: Others.

    Raises:
        pydantic.ValidationError: They do not fit, however they are read.
    """
    values = {**(given or {}), **{name: read_typed(text) for name, text in typed.items()}}
    try:
        return make(**values)
    except ValidationError as error:
        wrong = {str(one["loc"][0]) for one in error.errors() if one["loc"]}
    return make(**{**values, **{name: typed[name] for name in wrong & typed.keys()}})
