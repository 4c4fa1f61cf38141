"""``agents registry reserve``: a name kept without versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace_cli._commands.registry import _keeping
from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("reserve")
@_keeping.existing_site
@click.argument("name")
@click.option("--why", metavar="TEXT", help="What to tell those who ask for it.")
@click.option("--undo", is_flag=True, help="Give the name free.")
@_keeping.keys
@_keeping.dry_run
@_keeping.json_output
def command(
    site: Path,
    name: str,
    why: str | None,
    undo: bool,  # noqa: FBT001
    keys: Path | None,
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Keep NAME in the registry SITE without versions, so that installers look nowhere else.

    A name that a registry does not know is looked for in the next index, where anybody may have
    taken it. A name that is kept here gives nothing, and ends the search.
    """
    from headrace_registry.site import reserve

    if undo and why:
        raise WrongUseError("--undo takes no --why")
    report = reserve(site, name, why, undo=undo, dry_run=dry_run, signer=_keeping.signer_of(keys))
    _keeping.tell(site, report, as_json=as_json, dry_run=dry_run)
