"""``agents plugins``: what is installed, by its metadata; ``info`` alone imports a plugin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import CommandError
from headrace_cli._tables import table

if TYPE_CHECKING:
    from headrace.plugins import ListedPlugin, PluginSet

__all__ = ["command"]


@click.group("plugins")
def command() -> None:
    """The plugins of this environment."""


@command.command("list")
@click.option("--kind", metavar="KIND", help="Only this kind, such as chat_models.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_plugins(kind: str | None, as_json: bool) -> None:  # noqa: FBT001
    """List the installed plugins. None of them is imported."""
    found = _discovered()
    listed = found.list(kind)
    if as_json:
        _print_json(
            {
                "plugins": [_as_data(one) for one in listed],
                "broken": [
                    {"distribution": one.distribution, "origin": one.origin, "why": one.reason}
                    for one in found.broken
                ],
            }
        )
        return
    if listed:
        rows = [
            (
                one.plugin.kind.value,
                one.plugin.name,
                one.plugin.version,
                one.plugin.distribution,
                one.state,
                _place(one),
            )
            for one in listed
        ]
        click.echo(table(("KIND", "NAME", "VERSION", "DISTRIBUTION", "STATE", "FROM"), rows))
    else:
        click.echo(f"no plugin{f' of the kind {kind}' if kind else ''} is installed")
    for one in listed:
        if one.why:
            click.echo(f"{one.plugin.key}: {one.state}: {one.why}")
    for broken in found.broken:
        click.echo(f"{broken.distribution}: broken: {broken.reason} ({broken.origin})")


@command.command("info")
@click.argument("name")
@click.option("--kind", metavar="KIND", help="Only this kind, where several have the name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(name: str, kind: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Show all of a plugin (NAME or KIND.NAME), and whether it loads."""
    found = _discovered()
    listed = [one for one in found.list(kind) if name in (one.plugin.name, one.plugin.key)]
    if not listed:
        raise _not_found(found, name, kind)
    shown = [_checked(one) for one in listed]
    if as_json:
        _print_json(shown)
        return
    click.echo("\n\n".join(_text(one) for one in shown))


def _discovered() -> PluginSet:
    from headrace_cli._project import nearest_project

    return nearest_project(Path.cwd()).plugins()


def _print_json(data: Any) -> None:
    import json

    click.echo(json.dumps(data, indent=2))


def _place(listed: ListedPlugin) -> str:
    how = " (editable)" if listed.plugin.editable else ""
    return f"{Path(listed.plugin.origin).parent}{how}"


def _as_data(listed: ListedPlugin) -> dict[str, Any]:
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


def _checked(listed: ListedPlugin) -> dict[str, Any]:
    """All of a plugin; one that stands aside (blocked, in conflict) is not imported to see."""
    data = _as_data(listed)
    if listed.state != "ready":
        return {**data, "loads": None}
    from headrace.plugins import check

    result = check(listed.plugin)
    why = "" if result.error is None else result.error.cause
    return {**data, "loads": result.ok, "why": why}


_LOADS = {True: "yes", False: "no", None: "not tried"}


def _text(data: dict[str, Any]) -> str:
    origin = data["origin"] + (" (editable)" if data["editable"] else "")
    lines = [
        ("kind", data["kind"]),
        ("name", data["name"]),
        ("version", data["version"]),
        ("distribution", data["distribution"]),
        ("object", data["value"]),
        ("from", origin),
        ("needs core", data["requires_core"] or "any"),
        ("state", data["state"]),
        ("loads", _LOADS[data["loads"]]),
    ]
    if data["why"]:
        lines.append(("why", data["why"]))
    return "\n".join(f"{name + ':':<14}{text}" for name, text in lines)


def _not_found(found: PluginSet, name: str, kind: str | None) -> CommandError:
    from difflib import get_close_matches

    names = sorted({one.plugin.name for one in found.list(kind)})
    near = get_close_matches(name, names, 3)
    return CommandError(
        f"no installed plugin{f' of the kind {kind}' if kind else ''} is called {name!r}",
        why=f"nearest: {', '.join(near)}" if near else f"installed: {', '.join(names) or 'none'}",
        then="agents plugins list",
    )
