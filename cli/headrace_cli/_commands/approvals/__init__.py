"""``agents approvals``: a module for each command, imported when it is called."""

from __future__ import annotations

import click

from headrace_cli._lazy import LazyGroup

__all__ = ["command"]

_COMMANDS = {"list": "listing", "approve": "approve", "deny": "deny"}
"""The commands, in the order in which one meets them, and their modules."""


@click.group(
    "approvals",
    cls=LazyGroup,
    modules={name: f"{__name__}.{module}" for name, module in _COMMANDS.items()},
)
def command() -> None:
    """Tool calls that wait for your decision: see them, approve them, refuse them.

    A job shows them in the file or folder of its --approvals, and reads decisions with its inputs.
    """
