"""``agents plugins list``: what is installed, by its metadata; no plugin is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._plugins import as_data, discovered, print_json
from headrace_cli._tables import table

if TYPE_CHECKING:
    from headrace.plugins import ListedPlugin
    from headrace_registry.standing import Standing

__all__ = ["command"]


@click.command("list")
@click.option("--kind", metavar="KIND", help="Only this kind, such as chat_models.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(kind: str | None, as_json: bool) -> None:  # noqa: FBT001
    """List the installed plugins. None of them is imported."""
    from headrace_cli._standing import COLUMNS, columns, standings_here

    found, standings = discovered(), standings_here()
    listed = found.list(kind)
    if as_json:
        print_json(
            {
                "plugins": [
                    {**as_data(one), "project": _standing(standings, one)} for one in listed
                ],
                "broken": [
                    {"distribution": one.distribution, "origin": one.origin, "why": one.reason}
                    for one in found.broken
                ],
            }
        )
        return
    if listed:
        rows = [
            (
                one.plugin.kind.value,
                one.plugin.name,
                one.plugin.version,
                one.plugin.distribution,
                one.state,
                *(columns(standings.get(one.plugin.distribution)) if standings else ()),
                _place(one),
            )
            for one in listed
        ]
        more = COLUMNS if standings else ()
        click.echo(table(("KIND", "NAME", "VERSION", "DISTRIBUTION", "STATE", *more, "FROM"), rows))
    else:
        click.echo(f"no plugin{f' of the kind {kind}' if kind else ''} is installed")
    for one in listed:
        if one.why:
            click.echo(f"{one.plugin.key}: {one.state}: {one.why}")
    for broken in found.broken:
        click.echo(f"{broken.distribution}: broken: {broken.reason} ({broken.origin})")


def _place(listed: ListedPlugin) -> str:
    how = " (editable)" if listed.plugin.editable else ""
    return f"{Path(listed.plugin.origin).parent}{how}"


def _standing(standings: dict[str, Standing], listed: ListedPlugin) -> dict[str, Any] | None:
    standing = standings.get(listed.plugin.distribution)
    return None if standing is None else standing.as_data()
