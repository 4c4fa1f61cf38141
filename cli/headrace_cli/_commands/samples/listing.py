"""``agents samples list``: the samples that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace_cli._samples._options import FOLDER, filtering, wanted

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("list")
@FOLDER
@filtering
@click.option("--limit", type=click.IntRange(1), default=100, help="The newest; 100.")
@click.option("--all", "everything", is_flag=True, help="All of them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    folder: Path | None, limit: int, *, everything: bool, as_json: bool, **typed: Any
) -> None:
    """List samples, the newest last."""
    from headrace_cli._plugins import print_json
    from headrace_cli._samples._desk import Desk
    from headrace_cli._samples._shown import row
    from headrace_cli._tables import table

    found = wanted(Desk.of(folder).judged(), typed)
    listed = found if everything else found[-limit:]
    if as_json:
        print_json(
            {
                "samples": [
                    {
                        **one.sample.model_dump(mode="json", exclude={"records"}),
                        "said": one.said or None,
                        "verdicts": [each.model_dump(mode="json") for each in one.verdicts],
                    }
                    for one in listed
                ]
            }
        )
        return
    if not listed:
        click.echo("no sample fits", err=True)
        return
    click.echo(table(("ID", "WHEN", "AGENT", "KEY", "VERDICT", "OUTPUT"), [*map(row, listed)]))
    if len(listed) < len(found):
        click.echo("older ones are not shown (--limit, --all)", err=True)
    if any(not one.said for one in listed):
        click.echo("next: agents samples judge", err=True)
