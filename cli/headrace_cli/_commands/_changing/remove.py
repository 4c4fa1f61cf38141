"""``remove``: packages that the project asks for, and what only they needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace_cli._changing import Agreement, Noun, carry_out, change_options, opened

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["remove_command"]


def remove_command(noun: Noun) -> click.Command:
    """``agents NOUN remove``."""
    one = noun[:-1]

    @click.command("remove", help=f"Take {noun} out of the project, and what only they needed.")
    @click.argument("names", nargs=-1, required=True, metavar="NAME...")
    @change_options
    def command(names: tuple[str, ...], **options: Any) -> None:
        _remove(names, **options)

    command.short_help = f"Take a {one} out of the project."
    return command


def _remove(
    names: tuple[str, ...],
    *,
    yes: bool,
    accept: tuple[str, ...],
    allow_downgrade: bool,
    dry_run: bool,
    no_sync: bool,
    python: Path | None,
    offline: bool,
    as_json: bool,
) -> None:
    from headrace_registry.changes import plan_remove

    with opened(offline=offline) as project:
        plan = plan_remove(project, names)
        agreement = Agreement(yes, accept, allow_downgrade, dry_run)
        carry_out(plan, agreement, sync=not no_sync, python=python, as_json=as_json)
