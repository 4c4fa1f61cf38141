"""``agents samples rate``: how many are good, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace_cli._samples._options import FOLDER, filtering, wanted
from headrace_cli._samples._rates import BY

if TYPE_CHECKING:
    from pathlib import Path

    from headrace_cli._samples._rates import Rate

__all__ = ["command"]


_WIDTH = 25
_PAPER = 120


@click.command("rate")
@FOLDER
@click.option("--by", "by", multiple=True, type=click.Choice(BY), help="Count by; repeat. Day.")
@filtering
@click.option("--chart/--no-chart", default=None, help="Draw the intervals; in a terminal: yes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    folder: Path | None, by: tuple[str, ...], *, chart: bool | None, as_json: bool, **typed: Any
) -> None:
    """Show how many of the judged samples are good, by the day (UTC) on which they ran.

    RATE is of the samples on which all who judged them agree. BETWEEN is Wilson's interval: 19
    times of 20 the rate of all runs, judged or not, lies there.
    """
    import sys

    from headrace_cli._plugins import print_json
    from headrace_cli._samples._desk import Desk
    from headrace_cli._samples._rates import rates
    from headrace_cli._tables import table

    by = tuple(dict.fromkeys(by)) or ("day",)
    found = rates(wanted(Desk.of(folder).judged(gone=True), typed), by)
    if as_json:
        print_json({"by": by, "rates": [_data(one, by) for one in found]})
        return
    if not found:
        click.echo("no sample fits", err=True)
        return
    header = (*(name.upper() for name in by), "SAMPLES", "GOOD", "BAD", "DISPUTED", "RATE")
    rows = [_cells(one) for one in found]
    if sys.stdout.isatty() if chart is None else chart:
        _draw(header, rows, found)
    else:
        click.echo(table((*header, "BETWEEN"), rows))


def _data(one: Rate, by: tuple[str, ...]) -> dict[str, Any]:
    return {
        **dict(zip(by, one.of, strict=True)),
        "samples": one.samples,
        "good": one.good,
        "bad": one.bad,
        "disputed": one.disputed,
        "rate": one.rate,
        "interval": one.interval,
    }


def _cells(one: Rate) -> tuple[str, ...]:
    from headrace_cli._logs._shown import cut, plain

    rate = "-" if one.rate is None else f"{one.rate:.0%}"
    between = "-" if one.interval is None else "{:.0%} - {:.0%}".format(*one.interval)
    counts = (one.samples, one.good, one.bad, one.disputed)
    return (*(cut(plain(each), 40) for each in one.of), *map(str, counts), rate, between)


def _draw(header: tuple[str, ...], rows: list[tuple[str, ...]], found: list[Rate]) -> None:
    """The table with a bar for each interval, from nothing to all."""
    from rich.bar import Bar
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        made.add_column(name, no_wrap=True)
    made.add_column("BETWEEN", no_wrap=True)
    made.add_column("0" + "100%".rjust(_WIDTH - 1), no_wrap=True)
    for cells, one in zip(rows, found, strict=True):
        low, high = one.interval or (0.0, 0.0)
        bar = Bar(1.0, low, high, width=_WIDTH, color="cyan")
        made.add_row(*map(Text, cells), bar)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PAPER  # nobody's window
    console.print(made)
