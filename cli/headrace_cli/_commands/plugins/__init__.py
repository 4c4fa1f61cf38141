"""``agents plugins``: tools, models, memory and the other kinds, as packages."""

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
}
"""The commands, in the order in which one meets them, and their modules."""


@click.group(
    "plugins",
    cls=LazyGroup,
    modules={name: f"{__name__}.{module}" for name, module in _COMMANDS.items()},
)
def command() -> None:
    """Plugins: find, add and update tools, models, memory and more."""
