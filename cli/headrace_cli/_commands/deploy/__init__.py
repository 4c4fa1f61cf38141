"""``agents deploy``: a module for each command, imported when it is called."""

from __future__ import annotations

import click

from headrace_cli._lazy import LazyGroup

__all__ = ["command"]

_COMMANDS = {"kubernetes": "kubernetes", "yarn": "yarn"}
"""The commands, in the order in which one meets them, and their modules."""


@click.group(
    "deploy",
    cls=LazyGroup,
    modules={name: f"{__name__}.{module}" for name, module in _COMMANDS.items()},
)
def command() -> None:
    """Deploy a job's zip: write what a platform team runs it with."""
