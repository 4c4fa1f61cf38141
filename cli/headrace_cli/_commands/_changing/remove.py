"""``remove``: packages that the project asks for, and what only they needed."""

from __future__ import annotations

from typing import Any

import click

from headrace_cli._changing import How, Noun, carry_out, change_options, opened

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


def _remove(names: tuple[str, ...], *, how: How) -> None:
    from headrace_registry.changes import plan_remove

    with opened(offline=how.offline) as project:
        plan = plan_remove(project, names)
        carry_out(plan, how)
