"""Commands that plugins add to ``agents``: hook plugins that answer ``headrace_cli_commands``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.plugins import Plugin

__all__ = ["plugin_commands"]


def plugin_commands() -> dict[str, click.Command]:
    """The commands of installed plugins, by name; a plugin is imported only if there is one.

    Of several that claim a name none has it. What goes wrong is told on stderr: the commands of
    headrace itself must work whatever a plugin does.
    """
    found: dict[str, tuple[Plugin, click.Command]] = {}
    claimed: dict[str, list[str]] = {}
    for plugin in _hook_plugins():
        for command in _asked(plugin):
            name = command.name or ""
            claimed.setdefault(name, []).append(plugin.distribution)
            found[name] = (plugin, command)
    for name, claims in claimed.items():
        if len(claims) > 1:
            _warn(f"the command {name!r} is claimed by {' and '.join(claims)}, and left out")
            del found[name]
    return {name: command for name, (_, command) in sorted(found.items())}


def _hook_plugins() -> list[Plugin]:
    from headrace.errors import HeadraceError
    from headrace.plugins import Kind
    from headrace_cli._errors import CommandError
    from headrace_cli._project import nearest_project

    try:
        listed = nearest_project(Path.cwd()).plugins().list(Kind.HOOKS)
    except (CommandError, HeadraceError, OSError):
        return []  # a command that reads the project will say what is the matter with it
    return [one.plugin for one in listed if one.state == "ready"]


def _asked(plugin: Plugin) -> Iterator[click.Command]:
    from headrace.plugins import PluginBrokenError, add_hooks, hooks, load

    try:
        manager = hooks()
        faults = add_hooks(manager, [(plugin, load(plugin))])
        for fault in faults:
            _warn(str(fault))
        answers: list[Any] = manager.hook.headrace_cli_commands()
        commands = [one for answer in answers for one in answer]
    except PluginBrokenError as error:
        _warn(str(error))
        return
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises, agents works
        _warn(f"{plugin.distribution}: its commands are left out: {type(error).__name__}: {error}")
        return
    for command in commands:
        if isinstance(command, click.Command) and command.name:
            yield command
        else:
            _warn(f"{plugin.distribution}: {command!r} is no click command, and is left out")


def _warn(text: str) -> None:
    click.echo(f"{click.style('warning:', fg='yellow')} {text}", err=True)
