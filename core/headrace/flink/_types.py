"""Flink's types out of a pydantic model: one declaration for streams and for tables."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import typing
import uuid
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any

from pydantic import BaseModel, ValidationError

from headrace.errors import HeadraceError, NonRetryableError
from headrace.flink._pyflink import Row, Types

__all__ = ["ModelRows", "row_type"]

_PLAIN: dict[Any, Any] = {
    str: Types.STRING,
    int: Types.LONG,
    float: Types.DOUBLE,
    bool: Types.BOOLEAN,
    decimal.Decimal: Types.BIG_DEC,
    uuid.UUID: Types.STRING,
    dt.datetime: Types.SQL_TIMESTAMP,
    dt.date: Types.SQL_DATE,
    dt.time: Types.SQL_TIME,
}
_OF_BYTES = "a field of bytes: declare it as a text (base64), which every sink takes"


def row_type(model: type[BaseModel]) -> Any:
    """The row that a model is in Flink, a column for each field.

    Texts, numbers, truth values, ``Decimal``, dates, times, datetimes (without a zone), enums and
    literals (as texts), other models (as rows), lists (as arrays) and mappings by texts.

    Raises:
        HeadraceError: A field has a type that Flink's rows have not; it names all of them.
    """
    faults: list[str] = []
    made = _row(model, model.__name__, faults)
    if faults:
        raise HeadraceError(
            f"{model.__name__} cannot be a row of Flink:\n"
            + "\n".join(f"  {fault}" for fault in faults)
        )
    return made


def _row(model: type[BaseModel], where: str, faults: list[str]) -> Any:
    fields = {
        name: _type(field.annotation, f"{where}.{name}", faults)
        for name, field in model.model_fields.items()
    }
    return Types.ROW_NAMED(list(fields), list(fields.values()))


def _type(kind: Any, where: str, faults: list[str]) -> Any:
    origin, given = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _type(given[0], where, faults)
    if origin in (typing.Union, UnionType):
        kinds = [one for one in given if one is not NoneType]
        if len(kinds) == 1:
            return _type(kinds[0], where, faults)
    elif origin is typing.Literal and all(isinstance(one, str) for one in given):
        return Types.STRING()
    elif origin in (list, tuple) and (len(given) == 1 or given[1:] == (Ellipsis,)):
        return Types.OBJECT_ARRAY(_type(given[0], f"{where}[]", faults))
    elif origin in (dict, Mapping) and given[0] is str:
        return Types.MAP(Types.STRING(), _type(given[1], f"{where}{{}}", faults))
    elif isinstance(kind, type):
        if issubclass(kind, BaseModel):
            return _row(kind, where, faults)
        if issubclass(kind, enum.Enum):
            return Types.STRING()
        if kind in _PLAIN:
            return _PLAIN[kind]()
    faults.append(f"{where}: {_OF_BYTES if kind is bytes else f'{kind!r} is no type of a column'}")
    return Types.STRING()


class ModelRows:
    """Makes rows of outputs that a model describes.

    Args:
        model: What they are.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model

    def __call__(self, value: Any) -> Any:
        """The row.

        Raises:
            NonRetryableError: The output is not what the model says.
        """
        if not isinstance(value, self._model):
            given = value.model_dump() if isinstance(value, BaseModel) else value
            try:
                value = self._model.model_validate(given)
            except ValidationError as error:
                raise NonRetryableError(
                    f"an output of the agent is no {self._model.__name__}, as the job says: {error}"
                ) from None
        return _valued(value)


def _valued(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return Row(**{name: _valued(getattr(value, name)) for name in type(value).model_fields})
    if isinstance(value, (list, tuple)):
        return [_valued(one) for one in value]
    if isinstance(value, Mapping):
        return {name: _valued(one) for name, one in value.items()}
    if isinstance(value, enum.Enum):
        return value.name if not isinstance(value.value, str) else value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    return value
