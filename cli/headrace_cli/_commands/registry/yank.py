"""``agents registry yank``: a version that nobody should choose any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace_cli._commands.registry import _keeping
from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("yank")
@_keeping.existing_site
@click.argument("package")
@click.argument("version")
@click.option("--reason", metavar="TEXT", help="Why, for those who have it.")
@click.option("--undo", is_flag=True, help="Take it back.")
@_keeping.keys
@_keeping.dry_run
@_keeping.json_output
def command(
    site: Path,
    package: str,
    version: str,
    reason: str | None,
    undo: bool,  # noqa: FBT001
    keys: Path | None,
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Mark VERSION of PACKAGE in the registry SITE as not to be chosen any more (PEP 592).

    Its wheels stay, for projects whose lock names exactly that version.
    """
    from headrace_registry.site import yank

    if undo and reason:
        raise WrongUseError("--undo takes no --reason")
    report = yank(
        site,
        package,
        version,
        reason,
        undo=undo,
        dry_run=dry_run,
        signer=_keeping.signer_of(keys),
    )
    _keeping.tell(site, report, as_json=as_json, dry_run=dry_run)
