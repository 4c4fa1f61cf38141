"""Metrics in Prometheus' text format (version 0.0.4)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from headrace.metrics._series import HistogramCell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headrace.metrics._series import Family, Metrics

__all__ = ["CONTENT_TYPE", "as_text"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What a server says of the text."""
_KINDS = {"meter": "counter"}


def as_text(metrics: Metrics) -> str:
    """All metrics as they are now."""
    return "".join(f"{line}\n" for line in _lines(metrics.families()))


def _lines(families: Iterable[Family]) -> Iterator[str]:
    for family in families:
        series = family.series()
        if not series:
            continue
        if family.meaning:
            yield f"# HELP {family.name} {_escaped(family.meaning, quotes=False)}"
        yield f"# TYPE {family.name} {_KINDS.get(family.kind, family.kind)}"
        for values, cell in series:
            labels = [
                f'{name}="{_escaped(value)}"'
                for name, value in zip(family.labels, values, strict=True)
            ]
            if isinstance(cell, HistogramCell):
                yield from _histogram(family.name, labels, cell)
            else:
                yield f"{family.name}{_braced(labels)} {_number(cell.value)}"


def _histogram(name: str, labels: list[str], cell: HistogramCell) -> Iterator[str]:
    below = 0
    counts = list(cell.counts)
    for bound, count in zip((*cell.bounds, math.inf), counts, strict=True):
        below += count
        limit = f'le="{_number(bound)}"'
        yield f"{name}_bucket{_braced([*labels, limit])} {below}"
    yield f"{name}_sum{_braced(labels)} {_number(cell.sum)}"
    yield f"{name}_count{_braced(labels)} {below}"


def _braced(labels: list[str]) -> str:
    return f"{{{','.join(labels)}}}" if labels else ""


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


def _escaped(text: str, *, quotes: bool = True) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    text = text.encode(errors="backslashreplace").decode()  # lone surrogates
    return text.replace('"', r"\"") if quotes else text
