"""What may be kept in memory, sent, or recorded: values, and their stored form.

The stored form is a tree of ``None``, ``bool``, ``int``, ``float``, ``str``, ``list`` and ``dict``
that shares nothing with the value it was made from. Plain JSON-like values are their own stored
form; every other type is a tagged mapping (``{"$": tag, ...}``), and a user's mapping that has the
key ``"$"`` is escaped, so no input can forge a tag.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import decimal
import enum
import hashlib
import importlib
import json
import math
import uuid
import zoneinfo
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, RootModel

from headrace.errors import MemoryValueError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_DEPTH", "Stored", "decode", "digest", "dumps", "encode", "key_id", "to_jsonable"]

Stored = Any
"""A stored form, see the module's text."""

MAX_DEPTH = 100
"""How deep a value may be nested: deeper is a mistake or a cycle."""

_TAG = "$"
_PLAIN = frozenset({type(None), bool, int, float, str})
_AS_IS = _PLAIN - {float}  # JSON has no word for NaN and the infinities
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def encode(value: Any) -> Stored:
    """The stored form of ``value``, a copy of it.

    Args:
        value: A JSON-like value, or ``tuple``, ``set``, ``frozenset``, ``bytes``, ``datetime``,
            ``date``, ``time``, ``timedelta``, ``UUID``, ``Decimal``, an ``Enum`` member, a pydantic
            model or a dataclass, nested as you like.

    Raises:
        MemoryValueError: It holds something else; the message names the nested place.
    """
    if type(value) in _AS_IS:
        return value
    return _encode(value, 0)


def decode(stored: Stored) -> Any:
    """The value of a stored form, a new one each time.

    Raises:
        StateError: The type it was made from cannot be found, or no longer reads it.
    """
    if type(stored) in _PLAIN:
        return stored
    if type(stored) is list:
        return [item if type(item) in _PLAIN else decode(item) for item in stored]
    if _TAG not in stored:
        return {
            name: item if type(item) in _PLAIN else decode(item) for name, item in stored.items()
        }
    try:
        read = _DECODERS[stored[_TAG]]
    except KeyError:
        raise StateError(f"stored value has the unknown tag {stored.get(_TAG)!r}") from None
    try:
        return read(stored)
    except StateError:
        raise
    except Exception as error:
        what = stored.get("t", stored[_TAG])
        raise StateError(f"stored value of type {what} cannot be read: {error}") from error


def dumps(stored: Stored) -> str:
    """Canonical JSON text of a stored form: one text for equal values, in every process."""
    return _CANONICAL.encode(stored)


def digest(stored: Stored) -> str:
    """A short content digest (128 bits, hexadecimal) of a stored form."""
    text = dumps(stored).encode()
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def key_id(key: Any) -> str:
    """A text that names a stream key of any type and content, no two keys the same.

    ``1``, ``1.0``, ``"1"`` and ``True`` are four keys. The text is valid Unicode, also where a
    key's own text is not (a lone half of a surrogate pair), so every store can hold it.
    """
    if type(key) is str:
        if key.isascii():
            return "s" + key
        try:
            key.encode()
        except UnicodeEncodeError:
            return "j" + dumps(key)
        return "s" + key
    return "j" + dumps(encode(key))


def to_jsonable(value: Any) -> Any:
    """``value`` as people expect it in a JSON line: models as objects, times as ISO texts.

    Floats that JSON has no word for (NaN, infinities) become ``None``.
    """
    kind = type(value)
    if kind is float:
        return value if math.isfinite(value) else None
    if kind in _PLAIN:
        return value
    if kind is dict:
        return {
            name if type(name) is str else str(to_jsonable(name)): to_jsonable(item)
            for name, item in value.items()
        }
    if kind is list or kind is tuple:
        return [to_jsonable(item) for item in value]
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        return to_jsonable({**fields, **(value.model_extra or {})})
    if isinstance(value, (set, frozenset)):
        return sorted((to_jsonable(item) for item in value), key=dumps)
    if isinstance(value, enum.Enum):
        return to_jsonable(value.value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, (uuid.UUID, decimal.Decimal)):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return to_jsonable(fields)
    raise MemoryValueError(f"a {kind.__name__} cannot be written as JSON")


# ---------------------------------------------------------------- encoding
def _encode(value: Any, depth: int) -> Stored:
    kind = type(value)
    if kind in _AS_IS:
        return value
    if kind is float:
        return value if math.isfinite(value) else {_TAG: "float", "v": str(value)}
    if depth > MAX_DEPTH:
        raise MemoryValueError(f"the value is nested deeper than {MAX_DEPTH} (a cycle?)")
    if kind is dict:
        return _encode_dict(value, depth + 1)
    if kind is list:
        return _encode_items(value, depth + 1)
    for base, write in _ENCODERS:
        if isinstance(value, base):
            return write(value, depth + 1)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _encode_dataclass(value, depth + 1)
    raise MemoryValueError(
        f"a {kind.__module__}.{kind.__qualname__} cannot be kept or sent: use JSON-like values, "
        "pydantic models, dataclasses, datetimes, UUIDs, Decimals, enums or bytes"
    )


def _nested(place: str, value: Any, depth: int) -> Stored:
    try:
        return _encode(value, depth)
    except MemoryValueError as error:
        raise MemoryValueError(f"at {place}: {error}") from None


def _encode_items(value: Any, depth: int) -> list[Stored]:
    return [
        item if type(item) in _AS_IS else _nested(f"[{index}]", item, depth)
        for index, item in enumerate(value)
    ]


def _encode_dict(value: dict[Any, Any], depth: int) -> Stored:
    if _TAG not in value and all(type(name) is str for name in value):
        return {
            name: item if type(item) in _AS_IS else _nested(f"[{name!r}]", item, depth)
            for name, item in value.items()
        }
    pairs = [
        [_nested("a key", name, depth), _nested(f"[{name!r}]", item, depth)]
        for name, item in value.items()
    ]
    return {_TAG: "dict", "v": pairs}


def _reference(kind: type) -> str:
    if "<locals>" in kind.__qualname__:
        raise MemoryValueError(
            f"the class {kind.__qualname__} is defined inside a function, so it could not be found "
            "again on another worker: define it at the top of a module"
        )
    if "[" in kind.__qualname__:
        raise MemoryValueError(
            f"the class {kind.__qualname__} is made where it is used, so it could not be found "
            "again on another worker: name it at the top of a module, as in class Name(Base[...])"
        )
    return f"{kind.__module__}:{kind.__qualname__}"


def _encode_model(value: BaseModel, depth: int) -> Stored:
    kind = type(value)
    fields = {
        name: _nested(f".{name}", item, depth)
        for name, item in (*value.__dict__.items(), *(value.__pydantic_extra__ or {}).items())
        if name in kind.model_fields or name in (value.__pydantic_extra__ or {})
    }
    stored = {_TAG: "model", "t": _reference(kind), "v": fields}
    unset = sorted(kind.model_fields.keys() - value.__pydantic_fields_set__)
    if unset:
        stored["u"] = unset
    if value.__pydantic_private__:
        stored["p"] = {
            name: _nested(f".{name}", item, depth)
            for name, item in value.__pydantic_private__.items()
        }
    return stored


def _encode_dataclass(value: Any, depth: int) -> Stored:
    fields = {
        field.name: _nested(f".{field.name}", getattr(value, field.name), depth)
        for field in dataclasses.fields(value)
    }
    return {_TAG: "dataclass", "t": _reference(type(value)), "v": fields}


def _encode_set(value: Any, depth: int) -> Stored:
    items = sorted(_encode_items(value, depth), key=dumps)  # one order in every process
    return {_TAG: "set" if isinstance(value, set) else "frozenset", "v": items}


def _encode_tuple(value: Any, depth: int) -> Stored:
    if type(value) is not tuple:
        raise MemoryValueError(
            f"the tuple type {type(value).__qualname__} cannot be kept: "
            "use a plain tuple or a dataclass"
        )
    return {_TAG: "tuple", "v": _encode_items(value, depth)}


def _encode_datetime(value: dt.datetime, _depth: int) -> Stored:
    stored: dict[str, Any] = {_TAG: "datetime", "v": value.replace(tzinfo=None).isoformat()}
    if value.fold:
        stored["f"] = 1
    zone = value.tzinfo
    if isinstance(zone, zoneinfo.ZoneInfo) and zone.key:
        stored["z"] = zone.key
    elif zone is not None:
        offset = value.utcoffset()
        stored["o"] = offset.total_seconds() if offset is not None else 0.0
    return stored


def _encode_time(value: dt.time, _depth: int) -> Stored:
    stored = {_TAG: "time", "v": value.isoformat()}
    if isinstance(value.tzinfo, zoneinfo.ZoneInfo) and value.tzinfo.key:
        stored["z"] = value.tzinfo.key  # its offset depends on the day, so the text has none
    elif value.tzinfo is not None and value.utcoffset() is None:
        raise MemoryValueError("a time whose zone has no fixed offset cannot be kept")
    return stored


def _text(tag: str, write: Callable[[Any], Any]) -> Callable[[Any, int], Stored]:
    return lambda value, _depth: {_TAG: tag, "v": write(value)}


def _encode_enum(value: enum.Enum, _depth: int) -> Stored:
    if isinstance(value, enum.Flag):
        return {_TAG: "flag", "t": _reference(type(value)), "v": value.value}
    return {_TAG: "enum", "t": _reference(type(value)), "v": value.name}


_ENCODERS: tuple[tuple[type | tuple[type, ...], Callable[[Any, int], Stored]], ...] = (
    (BaseModel, _encode_model),
    (enum.Enum, _encode_enum),
    (tuple, _encode_tuple),
    ((set, frozenset), _encode_set),
    (bytes, _text("bytes", lambda value: base64.b64encode(value).decode())),
    (dt.datetime, _encode_datetime),
    (dt.date, _text("date", dt.date.isoformat)),
    (dt.time, _encode_time),
    (dt.timedelta, _text("timedelta", lambda v: [v.days, v.seconds, v.microseconds])),
    (uuid.UUID, _text("uuid", str)),
    (decimal.Decimal, _text("decimal", str)),
)


# ---------------------------------------------------------------- decoding
def _find(reference: str, base: type | None) -> Any:
    module_name, _, qualname = reference.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise StateError(
            f"the class {reference} of a stored value cannot be found: {error}. "
            "Keep the class (or an alias) where it was, or migrate the state."
        ) from error
    right = isinstance(found, type) and (
        dataclasses.is_dataclass(found) if base is None else issubclass(found, base)
    )
    if not right:
        raise StateError(f"{reference} is no longer the kind of class that its stored values need")
    return found


def _decode_model(stored: dict[str, Any]) -> Any:
    kind: type[BaseModel] = _find(stored["t"], BaseModel)
    fields = {name: decode(item) for name, item in stored["v"].items()}
    given = fields["root"] if issubclass(kind, RootModel) else fields
    model = kind.model_validate(given, by_alias=False, by_name=True)
    model.__pydantic_fields_set__.difference_update(stored.get("u", ()))
    for name, item in stored.get("p", {}).items():
        if name in kind.__private_attributes__:
            setattr(model, name, decode(item))
    return model


def _decode_dataclass(stored: dict[str, Any]) -> Any:
    kind = _find(stored["t"], None)
    known = {field.name: field for field in dataclasses.fields(kind)}
    values = {name: decode(item) for name, item in stored["v"].items() if name in known}
    made = kind(**{name: value for name, value in values.items() if known[name].init})
    for name, value in values.items():
        if not known[name].init:
            object.__setattr__(made, name, value)
    return made


def _decode_datetime(stored: dict[str, Any]) -> dt.datetime:
    value = dt.datetime.fromisoformat(stored["v"]).replace(fold=stored.get("f", 0))
    if "z" in stored:
        return value.replace(tzinfo=zoneinfo.ZoneInfo(stored["z"]))
    if "o" in stored:
        return value.replace(tzinfo=dt.timezone(dt.timedelta(seconds=stored["o"])))
    return value


def _decode_time(stored: dict[str, Any]) -> dt.time:
    value = dt.time.fromisoformat(stored["v"])
    return value.replace(tzinfo=zoneinfo.ZoneInfo(stored["z"])) if "z" in stored else value


_DECODERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "float": lambda stored: float(stored["v"]),
    "dict": lambda stored: {decode(name): decode(item) for name, item in stored["v"]},
    "model": _decode_model,
    "dataclass": _decode_dataclass,
    "enum": lambda stored: _find(stored["t"], enum.Enum)[stored["v"]],
    "flag": lambda stored: _find(stored["t"], enum.Flag)(stored["v"]),
    "tuple": lambda stored: tuple(decode(item) for item in stored["v"]),
    "set": lambda stored: {decode(item) for item in stored["v"]},
    "frozenset": lambda stored: frozenset(decode(item) for item in stored["v"]),
    "bytes": lambda stored: base64.b64decode(stored["v"]),
    "datetime": _decode_datetime,
    "date": lambda stored: dt.date.fromisoformat(stored["v"]),
    "time": _decode_time,
    "timedelta": lambda stored: dt.timedelta(*stored["v"]),
    "uuid": lambda stored: uuid.UUID(stored["v"]),
    "decimal": lambda stored: decimal.Decimal(stored["v"]),
}
