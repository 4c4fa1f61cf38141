"""``agents jobs``: a module for each command, imported when it is called."""

from __future__ import annotations

import click

from headrace_cli._lazy import LazyGroup

__all__ = ["command"]

_COMMANDS = {
    "list": "listing",
    "show": "show",
    "exceptions": "exceptions",
    "logs": "logs",
    "savepoint": "savepoint",
    "stop": "stop",
    "cancel": "cancel",
}
"""The commands, in the order in which one meets them, and their modules."""


@click.group(
    "jobs",
    cls=LazyGroup,
    modules={name: f"{__name__}.{module}" for name, module in _COMMANDS.items()},
)
def command() -> None:
    """Jobs of a Flink cluster: look at them, stop them, see why they failed.

    JOB is an id, the beginning of one, or a name.
    """
