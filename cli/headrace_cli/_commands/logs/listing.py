"""``agents logs list``: the records that are wanted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._logs._options import PATHS, chosen, filtering, told, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["command"]


@click.command("list")
@PATHS
@filtering
@click.option("--limit", type=click.IntRange(1), default=100, help="The newest; 100.")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@click.option("--follow", is_flag=True, help="Go on with what is written, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print the records, a line of JSON each.")
def command(
    paths: tuple[Path, ...],
    limit: int,
    *,
    everything: bool,
    follow: bool,
    as_json: bool,
    **typed: Any,
) -> None:
    """List what happened: the newest records that fit, the newest last."""
    from headrace_cli._logs._asking import newest
    from headrace_cli._logs._following import follow as following
    from headrace_cli._logs._following import standing
    from headrace_cli._logs._reading import Problems

    asked, problems, where = wanted(typed), Problems(), chosen(paths)
    begun = standing(where) if follow else {}
    if not follow or begun:
        found, older = newest(asked, where, None if everything else limit, problems)
        for record in found:
            _print(record, as_json=as_json)
        if older:
            click.echo("older ones are not shown (--limit, --all)", err=True)
        elif not found:
            click.echo("no record fits", err=True)
    told(problems)
    if follow:
        for record in following(where, begun, problems):
            if asked.has(record):
                _print(record, as_json=as_json)


def _print(record: Mapping[str, Any], *, as_json: bool) -> None:
    from headrace_cli._logs._shown import line

    text = json.dumps(record, separators=(",", ":")) if as_json else line(record)
    click.echo(text)
