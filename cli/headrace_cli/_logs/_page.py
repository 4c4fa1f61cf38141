"""Runs as one page: a timeline as a picture, and below it each record. It loads nothing."""

from __future__ import annotations

import json
import math
from html import escape
from typing import TYPE_CHECKING, Any

from headrace_cli._logs._filters import key_text
from headrace_cli._logs._shown import clock, cut, plain, seconds, summary, titled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headrace_cli._logs._tree import Node, Run

__all__ = ["page"]

_MOST = 2000
"""Rows of a run that are drawn."""
_WIDTH, _LABEL, _RIGHT, _ROW, _TOP = 1100, 300, 70, 22, 30
_NARROWEST = 2.0
_COLOURS = {
    "run": "#5b6472", "action": "#3f7cac", "agent": "#7a5ea8", "model": "#c77d1e",
    "tool": "#2f8f6b", "call": "#5d9c41", "approval": "#b0578d", "memory": "#8a7a5c",
    "event": "#97a1ad", "skill": "#2a9aa6", "retry": "#a88b1c", "parse": "#8c6bb1",
    "effect": "#b5543c",
}  # fmt: skip
_OTHER = "#97a1ad"
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2530; --paper: #fff; --line: #d9dee4; --soft: #66717e;
  --bad: #c0392b; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e5e9ee; --paper: #15191e; --line: #333b45; --soft: #9aa5b1; --bad: #ff7b6b; } }
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1140px; padding: 0 1rem;
  color: var(--ink); background: var(--paper); }
h1 { font-size: 1.35rem; margin: 2rem 0 .3rem; overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: .3rem 2rem; margin: .3rem 0 1rem; }
dl div { min-width: 6rem; } dt { color: var(--soft); font-size: .8rem; } dd { margin: 0; }
.picture { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; }
svg { display: block; font: 12px system-ui, sans-serif; } svg text { fill: var(--ink); }
svg .soft { fill: var(--soft); } svg .grid { stroke: var(--line); }
svg .bad { stroke: var(--bad); stroke-width: 2; } svg a:hover rect { opacity: .75; }
ul { list-style: none; padding: 0; } li { border-bottom: 1px solid var(--line); padding: .25rem 0; }
li:target { outline: 2px solid var(--soft); } summary { cursor: pointer; overflow-wrap: anywhere; }
.when { color: var(--soft); font-variant-numeric: tabular-nums; } .error { color: var(--bad); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0 .6rem 1rem; }
"""


def page(runs: Sequence[Run]) -> str:
    """A page of some runs, as HTML."""
    title = "Run " + runs[0].id if len(runs) == 1 else f"{len(runs)} runs"
    body = "\n".join(_run(number, run) for number, run in enumerate(runs))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_safe(title)}</title>\n<style>{_STYLE}</style></head><body>\n{body}\n"
        "</body></html>\n"
    )


def _safe(text: Any) -> str:
    # A lone half of a surrogate pair is in no encoding.
    return escape(plain(text).encode("utf-8", "replace").decode())


def _run(number: int, run: Run) -> str:
    record = run.root.record
    rows = list(run.walk())
    facts = [
        ("agent", plain(record.get("agent", "?"))),
        ("key", plain(key_text(record["key"])) if "key" in record else "?"),
        ("began", clock(run.begin)),
        ("took", seconds(run.end - run.begin)),
        ("ended", plain(record.get("what", "?")) if run.ended else "not in the log"),
        ("tokens read, written", f"{run.tokens_in:,}, {run.tokens_out:,}"),
        ("cost", str(run.cost)),
    ]
    told = "".join(
        f"<div><dt>{_safe(name)}</dt><dd>{_safe(said)}</dd></div>" for name, said in facts
    )
    more = "" if len(rows) <= _MOST else f"<p>{len(rows) - _MOST:,} more records are not shown.</p>"
    return (
        f"<h1>Run {_safe(run.id)}</h1>\n<dl>{told}</dl>\n"
        f'<div class="picture">{_timeline(number, run, rows[:_MOST])}</div>\n{more}\n'
        f"<ul>{''.join(_items(number, run, rows[:_MOST]))}</ul>"
    )


def _timeline(number: int, run: Run, rows: Sequence[tuple[int, Node]]) -> str:
    """The picture: a bar for each record, the longer it took the longer."""
    begin, whole = run.begin, max(run.end - run.begin, 1e-6)
    room = _WIDTH - _LABEL - _RIGHT
    height = _TOP + _ROW * len(rows) + 10

    def at(when: float) -> float:
        return _LABEL + room * min(max((when - begin) / whole, 0.0), 1.0)

    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    parts = [f'<svg {size} role="img" aria-label="Timeline of the run {_safe(run.id)}">']
    for tick in _ticks(whole):
        x = at(begin + tick)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{height}"/>'
            f'<text class="soft" x="{x + 3:.1f}" y="16">{_safe(seconds(tick) or "0")}</text>'
        )
    for row, (depth, node) in enumerate(rows):
        y = _TOP + row * _ROW
        left, right = at(node.begin), at(node.end)
        width = max(right - left, _NARROWEST)
        bad = ' class="bad"' if "error" in node.record else ""
        colour = _COLOURS.get(str(node.record.get("kind")), _OTHER)
        label = cut(titled(node.record), max(10, 40 - 2 * min(depth, 12)))
        took = seconds(node.record.get("duration"))
        hover = _safe(f"{titled(node.record)}: {took or 'at once'} {summary(node.record)}")
        parts.append(
            f'<a href="#r{number}-{row}"><title>{hover}</title>'
            f'<text x="{8 + 12 * min(depth, 12)}" y="{y + 14}">{_safe(label)}</text>'
            f'<rect{bad} x="{left:.1f}" y="{y + 3}" width="{width:.1f}" height="{_ROW - 7}" rx="2" '
            f'fill="{colour}"/>'
            f'<text class="soft" x="{min(left + width + 4, _WIDTH - _RIGHT + 6):.1f}" y="{y + 14}">'
            f"{_safe(took)}</text></a>"
        )
    parts.append("</svg>")
    return "\n".join(parts)


def _ticks(whole: float) -> Iterator[float]:
    """Some four to nine round times within a duration."""
    step = 10 ** math.floor(math.log10(whole))
    step = next(one for one in (step / 5, step / 2, step, step * 2) if whole / one < 9)  # noqa: PLR2004
    at = 0.0
    while at <= whole:
        yield at
        at += step


def _items(number: int, run: Run, rows: Sequence[tuple[int, Node]]) -> Iterable[str]:
    for row, (depth, node) in enumerate(rows):
        record = node.record
        error = f' <span class="error">{_safe(cut(plain(record["error"]), 300))}</span>' \
            if "error" in record else ""  # fmt: skip
        again = f" (again {node.replayed} times)" if node.replayed else ""
        text = json.dumps(record, indent=2, ensure_ascii=False)
        shown = escape(text.encode("utf-8", "replace").decode())
        yield (
            f'<li id="r{number}-{row}" style="margin-left:{min(depth, 12) * 1.2:.1f}rem"><details>'
            f'<summary><span class="when">{(node.begin - run.begin) * 1000:,.1f} ms</span> '
            f"{_safe(titled(record))}{_safe(again)} "
            f'<span class="when">{_safe(seconds(record.get("duration")))}</span>{error}</summary>'
            f"<pre>{shown}</pre></details></li>\n"
        )
