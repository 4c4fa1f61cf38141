"""A sample as people read it in a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headrace_cli._logs._filters import key_text
from headrace_cli._logs._shown import clock, cut, plain, seconds, summary, titled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.samples import Judged, Verdict

__all__ = ["row", "shown", "whole"]

_LINE = 100
_MOST_LINES = 200


def row(one: Judged) -> tuple[str, ...]:
    """A line of a table."""
    sample = one.sample
    return (
        sample.id,
        clock(sample.time)[:16],
        plain(sample.agent),
        cut(plain(key_text(sample.key)), 20),
        one.said or "-",
        cut(" ".join(map(plain, sample.outputs)), 60),
    )


def whole(one: Judged) -> Iterator[str]:
    """All of it, a line after the other."""
    sample = one.sample
    head = [f"{sample.id} of {plain(sample.agent)}", f"key {plain(key_text(sample.key))}"]
    head += [clock(sample.time), seconds(sample.duration)]
    if sample.models:
        head.append(", ".join(map(plain, sample.models)))
    if sample.usage.get("cost"):
        head.append(f"cost {sample.usage['cost']:.6g}")
    yield "  ".join(filter(None, head))
    yield "input"
    yield from _value(sample.input)
    for output in sample.outputs:
        yield "output"
        yield from _value(output)
    if sample.records:
        yield "what happened"
    for record in sample.records[:_MOST_LINES]:
        parts = [titled(record), seconds(record.get("duration")), summary(record)]
        yield "  " + "  ".join(filter(None, parts))
    if len(sample.records) > _MOST_LINES:
        yield f"  ... {len(sample.records) - _MOST_LINES:,} more (--json)"
    if sample.cut:
        yield "left out: " + ", ".join(f"{count:,} {name}" for name, count in sample.cut.items())
    for verdict in one.verdicts:
        yield shown(verdict)


def shown(verdict: Verdict) -> str:
    """What somebody said."""
    labels = f" [{', '.join(map(plain, verdict.labels))}]" if verdict.labels else ""
    note = f": {plain(verdict.note)}" if verdict.note else ""
    return f"{verdict.verdict}, says {plain(verdict.by)}, {clock(verdict.time)[:16]}{labels}{note}"


def _value(value: Any) -> Iterator[str]:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    lines = text.splitlines() or [""]
    for line in lines[:_MOST_LINES]:
        for begin in range(0, max(1, len(line)), _LINE):
            yield "  " + plain(line[begin : begin + _LINE])
    if len(lines) > _MOST_LINES:
        yield f"  ... {len(lines) - _MOST_LINES:,} more lines (--json)"
