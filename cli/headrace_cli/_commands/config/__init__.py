"""``agents config``: a module for each command, imported when it is called."""

from __future__ import annotations

import click

from headrace_cli._lazy import LazyGroup

__all__ = ["command"]

_COMMANDS = {"show": "show", "list": "listing", "explain": "explain"}
"""The commands, in the order in which one meets them, and their modules."""


@click.group(
    "config",
    cls=LazyGroup,
    modules={name: f"{__name__}.{module}" for name, module in _COMMANDS.items()},
)
def command() -> None:
    """Settings: what each is and where it came from, all that there are, and what they mean.

    Layers in order, the strongest last: defaults; the Flink cluster's own configuration
    (headrace.NAME); the project ([tool.agents.settings] and [tool.agents.values] of
    pyproject.toml); the environment (HEADRACE_SET_NAME); code; --set NAME=VALUE.
    """
