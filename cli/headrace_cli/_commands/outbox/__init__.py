"""``agents outbox``: a module for each command, imported when it is called."""

from __future__ import annotations

import click

from headrace_cli._lazy import LazyGroup

__all__ = ["command"]

_COMMANDS = {"list": "listing", "finish": "finish"}
"""The commands, in the order in which one meets them, and their modules."""


@click.group(
    "outbox",
    cls=LazyGroup,
    modules={name: f"{__name__}.{module}" for name, module in _COMMANDS.items()},
)
def command() -> None:
    """Effects that agents held back (ctx.after_commit) and that are not done yet."""
