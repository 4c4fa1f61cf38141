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
    """Show all of a plugin (NAME or KIND.NAME), and whether it loads."""
    found = discovered()
    listed = [one for one in found.list(kind) if name in (one.plugin.name, one.plugin.key)]
    if not listed:
        raise _not_found(found, name, kind)
    shown = [_checked(one) for one in listed]
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
