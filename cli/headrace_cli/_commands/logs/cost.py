"""``agents logs cost``: what models cost, and whom and what for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace_cli._logs._options import PATHS, chosen, told

if TYPE_CHECKING:
    from pathlib import Path

    from headrace_cli._logs._costs import Bill, Row

__all__ = ["command"]

_GROUPS = ("agent", "model", "skill", "key")
_HEAD = ("requests", "input", "output", "cost")
_NAMED = 5


@click.command("cost")
@PATHS
@click.option(
    "--by", multiple=True, type=click.Choice(_GROUPS), default=("model",), help="Repeat; model."
)
@click.option("--key", "keys", multiple=True, metavar="KEY", help="Of this key; repeat.")
@click.option("--run", "runs", multiple=True, metavar="ID", help="Of this run; repeat.")
@click.option("--since", metavar="TIME", help="Not before: 10min (ago), or a date.")
@click.option("--until", metavar="TIME", help="Before.")
@click.option("--limit", type=click.IntRange(1), default=100, help="The dearest rows; 100.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    paths: tuple[Path, ...],
    by: tuple[str, ...],
    keys: tuple[str, ...],
    runs: tuple[str, ...],
    since: str | None,
    until: str | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """Add up what models cost, by model, agent, skill or key, the dearest first.

    A request in whose conversation several skills are counts for each of them, and once in the
    total. `?` stands for tokens that have no price.
    """
    from headrace_cli._logs._asking import priced
    from headrace_cli._logs._costs import bill_of
    from headrace_cli._logs._filters import Wanted, instant
    from headrace_cli._logs._reading import Problems

    wanted = Wanted(
        keys=keys,
        runs=runs,
        since=None if since is None else instant(since, "--since"),
        until=None if until is None else instant(until, "--until"),
    )
    by, problems = tuple(dict.fromkeys(by)), Problems()
    bill = bill_of(priced(wanted, chosen(paths), problems), by)
    if as_json:
        import json

        click.echo(json.dumps(_data(bill, by), indent=2, ensure_ascii=False))
    else:
        _show(bill, by, limit)
    told(problems)


def _show(bill: Bill, by: tuple[str, ...], limit: int) -> None:
    from headrace_cli._logs._shown import cut, plain
    from headrace_cli._tables import table

    shown = list(bill.rows.items())[:limit]
    lines = [[*(cut(plain(one), 60) for one in group), *_cells(row)] for group, row in shown]
    lines.append(["total", *[""] * (len(by) - 1), *_cells(bill.total)])
    click.echo(table([*by, *_HEAD], lines))
    if len(bill.rows) > limit:
        click.echo(f"{len(bill.rows) - limit:,} cheaper rows are not shown (--limit)", err=True)
    again = bill.again
    if again.requests:
        click.echo(
            f"{again.requests:,} requests were made again after a crash, for {again.cost} more",
            err=True,
        )
    if bill.unpriced:
        names = sorted(bill.unpriced, key=lambda name: -bill.unpriced[name])
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        click.echo(
            f"{click.style('warning:', fg='yellow')} {bill.total.cost.unpriced:,} tokens have no "
            f"price and are not in the cost: of {', '.join(map(plain, names[:_NAMED]))}{more}\n"
            "  next: say their prices in the file that [tool.agents] prices names (docs/cost.md)",
            err=True,
        )


def _cells(row: Row) -> list[str]:
    return [
        f"{row.requests:,}",
        f"{row.input_tokens:,}",
        f"{row.output_tokens:,}",
        str(row.cost),
    ]


def _data(bill: Bill, by: tuple[str, ...]) -> dict[str, object]:
    return {
        "by": list(by),
        "rows": [
            {**dict(zip(by, group, strict=True)), **row.data()} for group, row in bill.rows.items()
        ],
        "total": bill.total.data(),
        "made_again": bill.again.data(),
        "unpriced": bill.unpriced,
    }
