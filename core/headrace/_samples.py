"""Values of a type's form, to try expressions on before there is any event."""

from __future__ import annotations

import enum
import itertools
import types
import typing
from typing import Any, Final

from pydantic import BaseModel

from headrace.values import to_jsonable

__all__ = ["UNKNOWN", "sample", "samples"]


class _Unknown:
    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""Stands for a value of which the type says too little."""
_MOST = 8


def samples(
    model: type[BaseModel], texts: typing.Sequence[str], numbers: typing.Sequence[int]
) -> typing.Iterator[dict[str, Any]]:
    """Fields of a model as a condition sees them, with each of some texts, numbers and truths.

    Args:
        model: The model.
        texts: What its texts may be: those that the condition compares with.
        numbers: The same of its whole numbers.
    """
    some = itertools.islice(dict.fromkeys(["a", *texts]), _MOST)
    for text, number, truth in itertools.product(
        list(some), list(itertools.islice(dict.fromkeys([1, *numbers]), _MOST)), (True, False)
    ):
        given = {str: text, int: number, bool: truth, float: number + 0.5}
        yield {name: sample(field.annotation, given) for name, field in model.model_fields.items()}


def sample(kind: Any, given: typing.Mapping[type, Any], above: tuple[type, ...] = ()) -> Any:
    """A value of a type, as JSON; ``UNKNOWN`` where the type leaves it open."""
    if typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        wanted = [one for one in inner if one is not type(None)]
        return sample(wanted[0], given, above) if len(wanted) == 1 else UNKNOWN
    if origin is typing.Literal:
        return to_jsonable(inner[0])
    if origin in (list, set, frozenset) and inner:
        return _sequence(inner[:1], given, above)
    if origin is tuple and inner:
        return _sequence([one for one in inner if one is not ...], given, above)
    if not isinstance(kind, type):
        return UNKNOWN
    if kind in given:
        return given[kind]
    if issubclass(kind, enum.Enum) and len(kind):
        return to_jsonable(next(iter(kind)).value)
    if issubclass(kind, BaseModel) and kind not in above:
        fields = {
            name: sample(one.annotation, given, (*above, kind))
            for name, one in kind.model_fields.items()
        }
        return UNKNOWN if UNKNOWN in fields.values() else fields
    return UNKNOWN


def _sequence(
    inner: typing.Sequence[Any], given: typing.Mapping[type, Any], above: tuple[type, ...]
) -> Any:
    values = [sample(one, given, above) for one in inner]
    return UNKNOWN if UNKNOWN in values else values
