"""A record as it leaves the operator, and the line that is made of it."""

from __future__ import annotations

import hashlib
import json
from json.encoder import (  # type: ignore[attr-defined]
    c_make_encoder,
    encode_basestring,
    encode_basestring_ascii,
)
from typing import TYPE_CHECKING, Any, Final

from headrace.eventlog._levels import STANDARD
from headrace.eventlog._values import Limits, Shower, dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["VERSION", "LineMaker", "Parcel", "Told", "run_id"]

VERSION: Final = 1
"""The version of the lines' schema. It changes when a field changes its meaning or goes; readers
leave alone what they do not know."""


if TYPE_CHECKING:
    from typing import TypeAlias

    Told: TypeAlias = tuple[
        float, int, str, str, str, str, str, int, float | None, str | None, str | None,
        Mapping[str, Any] | None, bool,
    ]  # fmt: skip
    Parcel: TypeAlias = tuple[str | None, str, int, Any, bool, list[Told]]
else:
    Told = tuple
    """What the operator tells of something that happened, with as little work as can be: time,
    level, kind, what, name, id, cause, attempt, duration, error, fault, data, replayed."""
    Parcel = tuple
    """What is told of one run: its id, its key's, its number, its input, whether it is run again,
    and what happened. Where there is no id, it is made of the others (``run_id``)."""


def _canonical() -> Callable[[Any], str]:
    if c_make_encoder is None:
        return json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
    made = c_make_encoder(None, None, encode_basestring_ascii, None, ":", ",", True, False, True)
    return lambda value: "".join(made(value, 0))


_canon = _canonical()
_quote = encode_basestring
_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def run_id(identity: str, key_id: str, value: Any, sequence: int) -> str:
    """The id of a run that has no name: it never waited, and nobody asked for one.

    It is named by its input as others are (``headrace.operator.Names``), and by its place.
    """
    content = hashlib.blake2b(_canon([identity, key_id, value]).encode(), digest_size=16)
    return f"{content.hexdigest()}-s{sequence}"


class LineMaker:
    """Makes lines.

    Args:
        agent: The agent's name.
        identity: The job's.
        standard: The limits of values at ``standard``.
        verbose: Those at ``verbose``.
        shower: Shows values.
    """

    def __init__(
        self, agent: str, identity: str, standard: Limits, verbose: Limits, shower: Shower
    ) -> None:
        self._agent = dumps(agent)
        self._identity = identity
        self._standard = _inside(standard)
        self._verbose = _inside(verbose)
        self._shower = shower

    def lines(self, parcel: Parcel) -> list[str]:
        """The lines of what is told of a run, each with its end."""
        run, key_id, sequence, value, again, told = parcel
        if run is None:
            run = run_id(self._identity, key_id, value, sequence)
        whose = f'"agent":{self._agent},"run":{_quote(run)},"key":{key_text(key_id)}'
        return [self._line(run, whose, again, one) for one in told]

    def _line(self, run: str, whose: str, again: bool, told: Told) -> str:  # noqa: FBT001
        (
            time, level, kind, what, name, id_, cause, attempt, duration, error, fault, data,
            replayed,
        ) = told  # fmt: skip
        text = f'{{"v":{VERSION},"time":{time:.6f},"kind":"{kind}","what":"{what}",{whose}'
        if name:
            text += f',"name":{_quote(name)}'
        if id_:
            text += f',"id":{_quote(within(run, id_))}'
        if cause:
            text += f',"cause":{_quote(within(run, cause))}'
        if attempt > 1:
            text += f',"attempt":{attempt}'
        if duration is not None:
            text += f',"start":{time - duration:.6f},"duration":{duration:.6f}'
        cut: dict[str, int] = {}
        limits = self._standard if level == STANDARD else self._verbose
        if error is not None:
            shown = self._shower.show(error, limits)
            _add(cut, shown.cut)
            text += f',"error":{shown.text}'
        if fault is not None:
            text += f',"fault":"{fault}"'
        if again or replayed:
            text += ',"replayed":true'
        if level != STANDARD:
            text += ',"level":"verbose"'
        if data:
            if kind == "model" and "usage" in data:
                data = dict(data)
                if usage := {name: count for name, count in data.pop("usage").items() if count}:
                    text += f',"usage":{dumps(usage)}'
            shown = self._shower.show(data, limits)
            _add(cut, shown.cut)
            text += f',"data":{shown.text}'
        if cut:
            text += f',"cut":{dumps(cut)}'
        # Valid in JSON, and yet a line's end for some that split lines.
        for end, escaped in _ENDS.items():
            if end in text:
                text = text.replace(end, escaped)
        return text + "}\n"


def _inside(limits: Limits) -> Limits:
    """The limits of a record's values: they are fields of one object, which counts for nothing."""
    return limits._replace(depth=limits.depth + 1)


def key_text(key_id: str) -> str:
    """The key as JSON, of its id (``headrace.values.key_id``)."""
    if key_id[:1] == "s":
        return _quote(key_id[1:])
    try:
        json.loads(key_id[1:])
    except ValueError:
        return _quote(key_id)
    return key_id[1:]


def within(run: str, id_: str) -> str:
    """An id as it is within its run."""
    begin = len(run)
    return id_[begin + 1 :] if id_[:begin] == run and id_[begin : begin + 1] == "/" else id_


def _add(cut: dict[str, int], more: Mapping[str, int]) -> None:
    for what, count in more.items():
        cut[what] = cut.get(what, 0) + count
