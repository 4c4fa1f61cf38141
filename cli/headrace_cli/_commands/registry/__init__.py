"""``agents registry``: a module for each command, imported when it is called."""

from __future__ import annotations

import click

from headrace_cli._lazy import LazyGroup

__all__ = ["command"]

_COMMANDS = {
    "add": "add",
    "remove": "remove",
    "list": "listing",
    "build": "build",
    "publish": "publish",
    "yank": "yank",
    "reserve": "reserve",
    "mirror": "mirror",
    "serve": "serve",
    "keys": "keys",
    "refresh": "refresh",
}
"""The commands, in the order in which one meets them, and their modules."""


@click.group(
    "registry",
    cls=LazyGroup,
    modules={name: f"{__name__}.{module}" for name, module in _COMMANDS.items()},
)
def command() -> None:
    """Registries: approve of them, and keep one of your own as a folder of files."""
