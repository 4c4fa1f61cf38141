"""``agents cluster``: a module for each command, imported when it is called."""

from __future__ import annotations

import click

from headrace_cli._lazy import LazyGroup

__all__ = ["command"]

_COMMANDS = {"up": "up", "status": "status", "down": "down"}
"""The commands, in the order in which one meets them, and their modules."""


@click.group(
    "cluster",
    cls=LazyGroup,
    modules={name: f"{__name__}.{module}" for name, module in _COMMANDS.items()},
)
def command() -> None:
    """Clusters: start, look at and end Flink clusters for development."""
