"""``agents plugins info``: all of a plugin, which is imported to see whether it loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import CommandError
from headrace_cli._plugins import as_data, discovered, print_json

if TYPE_CHECKING:
    from headrace.plugins import ListedPlugin, PluginSet

__all__ = ["command"]


@click.command("info")
@click.argument("name")
@click.option("--kind", metavar="KIND", help="Only this kind, where several have the name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str, kind: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Show all of a plugin (NAME or KIND.NAME), and whether it loads.

    Of one that is not installed: what the project's registries had when they were last seen.
    """
    found = discovered()
    listed = [one for one in found.list(kind) if name in (one.plugin.name, one.plugin.key)]
    shown = [_checked(one) for one in listed] or _offered(name, kind)
    if not shown:
        raise _not_found(found, name, kind)
    if as_json:
        print_json(shown)
        return
    click.echo("\n\n".join(_text(one) for one in shown))


def _checked(listed: ListedPlugin) -> dict[str, Any]:
    """All of a plugin; one that stands aside (blocked, in conflict) is not imported to see."""
    data = as_data(listed)
    if listed.state != "ready":
        return {**data, "loads": None}
    from headrace.plugins import check

    result = check(listed.plugin)
    why = "" if result.error is None else result.error.cause
    return {**data, "loads": result.ok, "why": why}


def _offered(name: str, kind: str | None) -> list[dict[str, Any]]:
    """The plugins of a name that registries have, as they were last seen."""
    from headrace_cli._standing import snapshots_here

    return [
        {
            "kind": one.kind,
            "name": one.name,
            "version": release.version,
            "distribution": package.name,
            "value": one.target,
            "origin": f"registry {snapshot.registry.name} ({snapshot.registry.url})",
            "editable": False,
            "requires_core": _core_of(release.requires),
            "state": "offered",
            "why": f"agents plugins add {package.name}",
            "loads": None,
        }
        for snapshot in snapshots_here()
        for package in snapshot.catalogue.packages
        if (release := package.newest) is not None
        for one in release.provides
        if one.kind != "skills"
        and kind in (None, one.kind)
        and name in (one.name, f"{one.kind}.{one.name}")
    ]


def _core_of(requires: tuple[str, ...]) -> str | None:
    from packaging.requirements import Requirement

    asked = [one for one in map(Requirement, requires) if one.name == "headrace-core"]
    return str(asked[0].specifier) if asked else None


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
