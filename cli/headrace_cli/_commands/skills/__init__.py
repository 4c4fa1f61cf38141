"""``agents skills``: a module for each command, imported when it is called."""

from __future__ import annotations

from importlib import import_module

import click

__all__ = ["command"]

_COMMANDS = {
    "list": "listing",
    "check": "check",
    "audit": "audit",
    "new": "new",
    "pack": "pack",
    "unpack": "unpack",
    "export": "export",
    "prepare": "prepare",
}
"""The commands, in the order in which one meets them, and their modules."""


class _Skills(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        found = import_module(f"{__name__}.{_COMMANDS[cmd_name]}").command
        return found if isinstance(found, click.Command) else None


@click.group("skills", cls=_Skills)
def command() -> None:
    """Skills: find, check, audit, pack and lend them."""
