"""``agents logs sql``: SQL over an event log."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._logs._options import PATHS, chosen, told

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("sql")
@click.argument("query")
@PATHS
@click.option("--json", "as_json", is_flag=True, help="Print the rows, a line of JSON each.")
def command(query: str, paths: tuple[Path, ...], *, as_json: bool) -> None:
    """Ask an event log in SQL (DuckDB's).

    The table is `log`: a column for each field of a record (`agents logs schema`), `type`, and of a
    model's usage `input_tokens`, `output_tokens` and `cost`. `data`, `usage` and `cut` are JSON:
    data->>'answer'.
    """
    from headrace_cli._logs._index import Index
    from headrace_cli._logs._reading import Problems, files_of
    from headrace_cli._logs._shown import plain
    from headrace_cli._tables import table

    problems = Problems()
    answer = Index(files_of(chosen(paths)), problems).sql(query)
    names = [column[0] for column in answer.description or ()]
    if as_json:
        while rows := answer.fetchmany(4096):
            for row in rows:
                click.echo(json.dumps(dict(zip(names, row, strict=True)), default=_as_json))
    else:
        cells = [[plain(_cell(one)) for one in row] for row in answer.fetchall()]
        click.echo(table(names, cells))
    told(problems)


def _as_json(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.3f}"  # noqa: PLR2004
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, default=_as_json)
    return value.isoformat(" ") if isinstance(value, dt.datetime) else str(value)
