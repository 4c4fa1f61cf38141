"""How jobs are told to people: times, sizes, failures."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace_registry.clusters import Failure

__all__ = ["failure_data", "failure_text", "lasting", "moment", "short_id", "size", "stamp"]

_KIB = 1024
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SUBSECOND = 10


def short_id(job: str) -> str:
    """The beginning of an id, which is enough to type."""
    return job[:8]


def stamp(seconds: float | None) -> str | None:
    """A moment as JSON has it."""
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(seconds: float | None) -> str:
    """A moment in this machine's time."""
    if not seconds:
        return "-"
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def lasting(seconds: float | None) -> str:
    """A duration, with two of its units."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _SUBSECOND:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def size(count: int) -> str:
    """Bytes, in a unit that keeps the number short."""
    number, units = float(count), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while number >= _KIB and len(units) > 1:
        number /= _KIB
        units.pop(0)
    return f"{number:.0f} bytes" if units[0] == "bytes" else f"{number:.1f} {units[0]}"


def failure_text(failure: Failure) -> str:
    """A failure in some lines."""
    lines = [f"{moment(failure.time)}  {failure.summary}"]
    places = [failure.task, failure.host and f"on {failure.host}"]
    if place := " ".join(one for one in places if one):
        lines.append(f"  where: {place}")
    if failure.then:
        lines.append(f"  next:  {failure.then}")
    for text in (failure.python_trace, failure.printed):
        if text:
            lines += ["", *(f"    {line}".rstrip() for line in text.splitlines())]
    return "\n".join(lines)


def failure_data(failure: Failure) -> dict[str, Any]:
    """A failure as JSON has it."""
    return {
        "time": stamp(failure.time),
        "kind": failure.kind,
        "summary": failure.summary,
        "then": failure.then,
        "python_trace": failure.python_trace,
        "printed": failure.printed,
        "task": failure.task,
        "host": failure.host,
        "taskmanager": failure.taskmanager,
    }
