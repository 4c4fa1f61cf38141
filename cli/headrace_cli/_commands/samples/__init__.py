"""``agents samples``: a module for each command, imported when it is called."""

from __future__ import annotations

import click

from headrace_cli._lazy import LazyGroup

__all__ = ["command"]

_COMMANDS = {
    "list": "listing",
    "show": "show",
    "judge": "judge",
    "page": "page",
    "rate": "rate",
    "export": "export",
}
"""The commands, in the order in which one meets them, and their modules."""


@click.group(
    "samples",
    cls=LazyGroup,
    modules={name: f"{__name__}.{module}" for name, module in _COMMANDS.items()},
)
def command() -> None:
    """Runs that jobs put aside for people: see them, judge them, and how good they are over time.

    A job puts a share of its runs into the folder that [tool.agents.samples] names, or the setting
    samples.folder.
    """
