"""``agents logs``: a module for each command, imported when it is called."""

from __future__ import annotations

import click

from headrace_cli._lazy import LazyGroup

__all__ = ["command"]

_COMMANDS = {"list": "listing", "tree": "tree", "cost": "cost", "sql": "sql", "schema": "schema"}
"""The commands, in the order in which one meets them, and their modules."""


@click.group(
    "logs",
    cls=LazyGroup,
    modules={name: f"{__name__}.{module}" for name, module in _COMMANDS.items()},
)
def command() -> None:
    """What agents did, by the event logs that their jobs write (the setting log.folder).

    PATH is a file of a log or a folder of them; without one it is what the project's settings say.
    """
