"""``agents logs list``: the records that are wanted."""

from __future__ import annotations

import sys
from collections import deque
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._logs._options import PATHS, chosen, filtering, told, wanted

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("list")
@PATHS
@filtering
@click.option("--limit", type=click.IntRange(1), default=100, help="The newest; 100.")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@click.option("--json", "as_json", is_flag=True, help="Print the records, a line of JSON each.")
def command(
    paths: tuple[Path, ...], limit: int, *, everything: bool, as_json: bool, **typed: Any
) -> None:
    """List what happened: the newest records that fit, the newest last."""
    from headrace_cli._logs._reading import Problems, files_of, read
    from headrace_cli._logs._shown import line

    asked, problems = wanted(typed), Problems()
    found: deque[tuple[dict[str, Any], bytes]] = deque(maxlen=None if everything else limit)
    count = 0
    for record, raw in read(files_of(chosen(paths)), problems):
        if asked.has(record):
            count += 1
            found.append((record, raw))
    for record, raw in found:
        if as_json:
            sys.stdout.buffer.write(raw)
        else:
            click.echo(line(record))
    sys.stdout.flush()
    if count > len(found):
        click.echo(f"{count - len(found):,} older ones are not shown (--limit, --all)", err=True)
    elif not count:
        click.echo("no record fits", err=True)
    told(problems)
