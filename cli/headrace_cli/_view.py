"""What a terminal shows of a job: counts, and the newest outputs. Rich is imported by ``Live``."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from headrace.local import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from rich.console import RenderableType

    from headrace_cli._job import Summary

__all__ = ["LiveView", "Shown", "no_view"]

_ROWS = 12
_CELL = 60
_WIDTH = 24
_BORDER = 3  # characters around a cell
_NARROW = 8
_MOST_COLUMNS = 5


class Shown(Watch):
    """What is shown: told by the job, read by the terminal."""

    def __init__(self, summary: Summary, columns: Sequence[str]) -> None:
        self.summary = summary
        self.columns = tuple(columns)
        self.newest: deque[Any] = deque(maxlen=_ROWS)
        self._began = time.monotonic()

    def counted(self, result: Any) -> None:
        """Takes the counts of an engine, as far as it has them."""
        for name in ("inputs", "outputs", "dead_letters", "skipped", "handed_back", "held"):
            setattr(self.summary, name, getattr(result, name, getattr(self.summary, name)))
        self.summary.seconds = self.elapsed

    def sent(self, outputs: Sequence[Any]) -> None:
        """Takes new outputs."""
        self.newest.extend(outputs)

    def showing(self, address: str) -> None:
        """Says where metrics are."""
        sys.stderr.write(f"metrics: {address}\n")

    @property
    def elapsed(self) -> float:
        """Seconds since the job began."""
        return time.monotonic() - self._began

    def failed(self, letters: Sequence[Any]) -> None:
        """Takes the newest dead letters."""
        if letters:
            self.summary.last_error = str(letters[-1]["error"]).partition("\n")[0]

    def rows(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Header and cells of the newest outputs, the newest last."""
        values = [value for value in self.newest if value is not None]
        columns = self.columns or _columns_of(values)
        if not columns:
            return ("output",), [(_cell(value),) for value in values]
        return columns, [tuple(_cell(_field(value, name)) for name in columns) for value in values]


class LiveView:
    """A table on stderr that is drawn anew while the job runs."""

    def __init__(self, shown: Shown) -> None:
        from rich.console import Console
        from rich.live import Live

        self._shown = shown
        # A descriptor of its own: that of stderr is turned away while Flink's workers print.
        self._terminal = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8")
        self._console = Console(file=self._terminal)
        self._live = Live(
            console=self._console,
            get_renderable=self._render,
            refresh_per_second=4,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> None:
        self._live.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()
        self._terminal.close()

    def _render(self) -> RenderableType:
        from rich.box import SIMPLE_HEAD
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        summary = self._shown.summary
        header, rows = self._shown.rows()
        drawn = Table(box=SIMPLE_HEAD, header_style="bold", expand=False)
        widths = _widths([header, *rows], self._console.width)
        for name, width in zip(header, widths, strict=True):
            drawn.add_column(Text(name), overflow="ellipsis", no_wrap=True, width=width)
        for row in rows:
            drawn.add_row(*(Text(cell) for cell in row))
        counts = Text(
            f"{summary.agent} on {summary.engine}: {summary.inputs:,} inputs, "
            f"{summary.outputs:,} outputs, {summary.dead_letters:,} dead letters, "
            f"{self._shown.elapsed:.0f} s"
        )
        return Group(drawn, counts) if rows else counts


class no_view:  # noqa: N801 - used like a function, as contextlib's own
    """Shows nothing."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def _widths(lines: Sequence[Sequence[str]], room: int) -> list[int | None]:
    """Widths of columns: where the terminal is narrow, the last one gives way first."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    first = [min(width, _WIDTH) for width in widths[:-1]]
    left = room - sum(first) - _BORDER * len(widths) - 1
    if left < _NARROW:
        return [None for _ in widths]
    return [*first, min(widths[-1], left)]


def _columns_of(values: Sequence[Any]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for value in values:
        if isinstance(value, dict):
            names.update(dict.fromkeys(value))
    return tuple(names)[:_MOST_COLUMNS]


def _field(value: Any, name: str) -> Any:
    return value.get(name, "") if isinstance(value, dict) else value


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "".join(char if char.isprintable() else " " for char in text)
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"
