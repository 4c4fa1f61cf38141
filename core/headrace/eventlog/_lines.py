"""A record as it leaves the operator, and the line that is made of it."""

from __future__ import annotations

import hashlib
import json
import marshal
import re
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

from headrace.eventlog._levels import STANDARD
from headrace.eventlog._values import Limits, Shower, dumps

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ENDED",
    "TOLD",
    "VERSION",
    "Finished",
    "LineMaker",
    "Parcel",
    "Told",
    "Wrote",
    "trace_of",
    "type_of",
]

VERSION: Final = 1
"""The version of the lines' schema. It changes when a field changes its meaning or goes; readers
leave alone what they do not know."""


if TYPE_CHECKING:
    from typing import TypeAlias

    Told: TypeAlias = tuple[
        float, int, str, str, str, str, str, int, float | None, str | None, str | None,
        Mapping[str, Any] | None, bool,
    ]  # fmt: skip
    Finished: TypeAlias = tuple[float, float, str, str, str, int]
    Wrote: TypeAlias = tuple[float, str, int, list[str]]
    Parcel: TypeAlias = tuple[Any, ...]
else:
    Told = tuple
    """What the operator tells of something that happened: time, level, kind, what, name, id, cause,
    attempt, duration, error, fault, data, replayed."""
    Finished = tuple
    """An action that has finished, told at ``standard``, with as little work as can be: when (a
    reading of ``time.monotonic``), duration, name, id, cause, attempt."""
    Wrote = tuple
    """What an action wrote to short-term memory, likewise: when, its id, attempt, the names."""
    Parcel = tuple
    """What is told of one run: its id, its key's, its number, its input, whether it is run again,
    what happened (``Finished``, ``Wrote``, and ``Told`` as bytes of ``marshal``), and what is
    between the readings of ``time.monotonic`` and the seconds since the epoch. Where there is no
    id, it is made of the others (``LineMaker.whose``). Where there is one, the input is not needed
    before the end: in its place is the trace context that it holds, or nothing (``trace_of``).

    Where the run has ended, too, and there is nothing more to say of that: when (a reading), its
    duration, its status, its outputs."""

TOLD: Final = 5
"""Where in a parcel it stands what happened."""
ENDED: Final = 7
"""Where in it the run's end begins."""

_WROTE: Final = 4
"""How long ``Wrote`` is, which tells it from ``Finished``."""
_REMEMBERED: Final = 4096
_SHORT: Final = 200
"""Characters of what is remembered: names may be anybody's invention."""
_canon = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_REPLAYED = ',"replayed":true'
_TRACE = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def type_of(one: Finished | Wrote | bytes) -> tuple[str, str]:
    """The kind and the name of what is told."""
    if not isinstance(one, tuple):
        _, _, kind, _, name, *_ = marshal.loads(one)  # noqa: S302 - packed by ``EventLog``
        return kind, name
    return ("memory", "short_term") if len(one) == _WROTE else ("action", one[2])


class LineMaker:
    """Makes lines.

    Args:
        agent: The agent's name.
        identity: The job's.
        standard: The limits of values at ``standard``.
        verbose: Those at ``verbose``.
        shower: Shows values.
        parent: The field of an input that holds a trace context; ``None``: it is not looked for.
    """

    def __init__(
        self,
        agent: str,
        identity: str,
        standard: Limits,
        verbose: Limits,
        shower: Shower,
        parent: str | None = None,
    ) -> None:
        self._agent = dumps(agent)
        self._content = hashlib.blake2b(identity.encode("utf-8", "replace"), digest_size=16)
        self._texts: dict[str, str] = {}
        self._names: dict[tuple[str, ...], str] = {}
        self._standard = _inside(standard)
        self._verbose = _inside(verbose)
        self._shower = shower
        self._parent = parent

    def whose(self, parcel: Parcel) -> tuple[str, str | None]:
        """The id of the run that something is told of, and the trace context of its input."""
        run, key_id, sequence, value = parcel[:4]
        trace = None
        if self._parent is not None:
            trace = trace_of(value, self._parent)
            if run is not None and type(value) is str and _TRACE.fullmatch(value):
                trace = value
        return self._run_id(key_id, value, sequence) if run is None else run, trace

    def lines(self, parcel: Parcel, whose: tuple[str, str | None] | None = None) -> list[str]:
        """The lines of what is told of a run, each with its end.

        Args:
            parcel: What is told.
            whose: What ``whose`` has said of it, where it was asked already.
        """
        run, trace = self.whose(parcel) if whose is None else whose
        _, key_id, _, value, again, told, since, *ended = parcel
        common = f'"agent":{self._agent},"run":{dumps(run)},"key":{key_text(key_id)}'
        if trace is not None:
            common += f',"trace":{dumps(trace)}'
        made = [
            self._line(run, common, again, marshal.loads(one))  # noqa: S302 - our own parent's
            if isinstance(one, bytes)
            else self._wrote(common, again, since, one)
            if len(one) == _WROTE
            else self._finished(run, common, again, since, one)
            for one in told
        ]
        if ended:
            made.append(self._ended(common, again, value, since, *ended))
        return made

    def _finished(self, run: str, whose: str, again: bool, since: float, one: Finished) -> str:  # noqa: FBT001
        at, duration, name, id_, cause, attempt = one
        at += since
        text = self._text
        caused = f',"cause":{text(within(run, cause))}' if cause else ""
        tried = f',"attempt":{attempt}' if attempt > 1 else ""
        return (
            f'{{"v":{VERSION},"time":{at:.6f},"kind":"action","what":"finished",{whose},'
            f'"name":{text(name)},"id":{text(within(run, id_))}{caused}{tried},'
            f'"start":{at - duration:.6f},"duration":{duration:.6f}'
            f"{_REPLAYED if again else ''}}}\n"
        )

    def _wrote(self, whose: str, again: bool, since: float, one: Wrote) -> str:  # noqa: FBT001
        at, action, attempt, names = one
        data = self._names.get(known := tuple(names))
        if data is None:  # an action writes the same ones in every run
            data = self._data({"names": names})
            if sum(map(len, names)) <= _SHORT:
                _remember(self._names, known, data)
        tried = f',"attempt":{attempt}' if attempt > 1 else ""
        return _one_line(
            f'{{"v":{VERSION},"time":{at + since:.6f},"kind":"memory","what":"written",{whose},'
            f'"name":"short_term","id":{self._text(f"{action}/memory")},'
            f'"cause":{self._text(action)}{tried}{_REPLAYED if again else ""}{data}}}\n'
        )

    def _ended(
        self,
        whose: str,
        again: bool,  # noqa: FBT001 - one of the columns
        value: Any,
        since: float,
        at: float,
        duration: float,
        status: str,
        outputs: list[Any],
    ) -> str:
        at += since
        data = {"input": value, "outputs": outputs} if outputs else {"input": value}
        return _one_line(
            f'{{"v":{VERSION},"time":{at:.6f},"kind":"run","what":"{status}",{whose},'
            f'"name":{self._agent},"start":{at - duration:.6f},"duration":{duration:.6f}'
            f"{_REPLAYED if again else ''}{self._data(data)}}}\n"
        )

    def _data(self, data: dict[str, Any]) -> str:
        """The last fields of a line at ``standard``."""
        shown = self._shower.show(data, self._standard)
        cut = f',"cut":{dumps(shown.cut)}' if shown.cut else ""
        return f',"data":{shown.text}{cut}'

    def _line(self, run: str, whose: str, again: bool, told: Told) -> str:  # noqa: FBT001
        (
            time, level, kind, what, name, id_, cause, attempt, duration, error, fault, data,
            replayed,
        ) = told  # fmt: skip
        text = f'{{"v":{VERSION},"time":{time:.6f},"kind":"{kind}","what":"{what}",{whose}'
        if name:
            text += f',"name":{dumps(name)}'
        if id_:
            text += f',"id":{dumps(within(run, id_))}'
        if cause:
            text += f',"cause":{dumps(within(run, cause))}'
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
            text += _REPLAYED
        if level != STANDARD:
            text += ',"level":"verbose"'
        if data:
            if kind in {"model", "memory"} and "usage" in data:
                data = dict(data)
                if usage := {name: count for name, count in data.pop("usage").items() if count}:
                    text += f',"usage":{dumps(usage)}'
            shown = self._shower.show(data, limits)
            _add(cut, shown.cut)
            text += f',"data":{shown.text}'
        if cut:
            text += f',"cut":{dumps(cut)}'
        return _one_line(text + "}\n")

    def _run_id(self, key_id: str, value: Any, sequence: int) -> str:
        """The id of a run that has no name: it never waited, and nobody asked for one.

        It is named by its input, as others are (``headrace.operator.Names``), and by its place.
        """
        content = self._content.copy()
        try:
            content.update(to_json([key_id, value]))
        except ValueError:  # a text that is no Unicode
            content.update(_canon([key_id, value]).encode())
        return f"{content.hexdigest()}-s{sequence}"

    def _text(self, name: str) -> str:
        """A name as JSON; they come again and again."""
        text = self._texts.get(name)
        if text is None:
            text = dumps(name)
            if len(name) <= _SHORT:
                _remember(self._texts, name, text)
        return text


def _remember(known: dict[Any, str], what: Any, text: str) -> None:
    if len(known) >= _REMEMBERED:
        known.clear()
    known[what] = text


def _one_line(text: str) -> str:
    """A line without what is valid in JSON, and yet a line's end for some that split lines."""
    if text.isascii():
        return text
    for end, escaped in _ENDS.items():
        if end in text:
            text = text.replace(end, escaped)
    return text


def _inside(limits: Limits) -> Limits:
    """The limits of a record's values: they are fields of one object, which counts for nothing."""
    return limits._replace(depth=limits.depth + 1)


def key_text(key_id: str) -> str:
    """The key as JSON, of its id (``headrace.values.key_id``)."""
    if key_id[:1] == "s":
        return dumps(key_id[1:])
    try:
        json.loads(key_id[1:])
    except ValueError:
        return dumps(key_id)
    return key_id[1:]


def trace_of(value: Any, field: str) -> str | None:
    """The trace context that an input holds (in stored form); ``None``: it has none that is one."""
    if type(value) is not dict:
        return None
    found = value.get(field)
    if found is None and "$" in value and type(held := value.get("v")) is dict:
        found = held.get(field)
    return found if type(found) is str and _TRACE.fullmatch(found) else None


def within(run: str, id_: str) -> str:
    """An id as it is within its run."""
    begin = len(run)
    if len(id_) <= begin:
        return id_
    return id_[begin + 1 :] if id_[:begin] == run and id_[begin : begin + 1] == "/" else id_


def _add(cut: dict[str, int], more: Mapping[str, int]) -> None:
    for what, count in more.items():
        cut[what] = cut.get(what, 0) + count
