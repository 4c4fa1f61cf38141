"""``agents skills``: a module for each command, imported when it is called."""

from __future__ import annotations

import click

from headrace_cli._lazy import LazyGroup

__all__ = ["command"]

_COMMANDS = {
    "list": "listing",
    "search": "search",
    "add": "add",
    "remove": "remove",
    "update": "update",
    "info": "info",
    "why": "why",
    "check": "check",
    "audit": "audit",
    "new": "new",
    "pack": "pack",
    "unpack": "unpack",
    "export": "export",
    "prepare": "prepare",
}
"""The commands, in the order in which one meets them, and their modules."""


@click.group(
    "skills",
    cls=LazyGroup,
    modules={name: f"{__name__}.{module}" for name, module in _COMMANDS.items()},
)
def command() -> None:
    """Skills: find, add, update, check, audit, pack and lend them."""
