"""What the commands on plugins share: what is installed, and a plugin as data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from headrace.plugins import ListedPlugin, PluginSet

__all__ = ["as_data", "discovered", "print_json"]


def discovered() -> PluginSet:
    from headrace_cli._project import nearest_project

    return nearest_project(Path.cwd()).plugins()


def print_json(data: Any) -> None:
    import json

    click.echo(json.dumps(data, indent=2))


def as_data(listed: ListedPlugin) -> dict[str, Any]:
    plugin = listed.plugin
    return {
        "kind": plugin.kind.value,
        "name": plugin.name,
        "version": plugin.version,
        "distribution": plugin.distribution,
        "value": plugin.value,
        "origin": plugin.origin,
        "editable": plugin.editable,
        "requires_core": plugin.requires_core,
        "state": listed.state,
        "why": listed.why,
    }
