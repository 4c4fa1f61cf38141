"""``agents memory``: a module for each command, imported when it is called."""

from __future__ import annotations

import click

from headrace_cli._lazy import LazyGroup

__all__ = ["command"]

_COMMANDS = {"search": "search", "export": "export", "erase": "erase"}
"""The commands, in the order in which one meets them, and their modules."""


@click.group(
    "memory",
    cls=LazyGroup,
    modules={name: f"{__name__}.{module}" for name, module in _COMMANDS.items()},
)
def command() -> None:
    """Long-term memory: look into it, hand a person what is known of them, and erase it.

    TARGET is the agent whose memory it is, as `agents run` takes it. A store that only one process
    may open must not be in use.
    """
