"""``agents registry list``: what the project approves of; nobody is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace_cli._commands.registry import _approving

if TYPE_CHECKING:
    from headrace_registry.client import State
    from headrace_registry.settings import RegistrySettings

__all__ = ["command"]


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:  # noqa: FBT001
    """List the project's registries, as they were last seen."""
    from headrace_registry.client import Store

    found = [(one, Store(one).state()) for one in _approving.chosen(())]
    if as_json:
        import json

        click.echo(json.dumps({"registries": [_as_data(*one) for one in found]}, indent=2))
        return
    if not found:
        click.echo("this project has no registry (agents registry add NAME URL)")
        return
    from headrace_cli._tables import table

    header = ("NAME", "PACKAGES", "SIGNED UNTIL", "SEEN", "KEY", "ADDRESS")
    click.echo(table(header, [_row(*one) for one in found]))


def _row(registry: RegistrySettings, state: State | None) -> tuple[str, ...]:
    seen = ("", "", "never")
    if state is not None:
        end = f"{state.expires[:10]}{' (ended)' if state.has_ended else ''}"
        seen = (str(state.packages), end or "-", _moment(state.checked))
    return registry.name, *seen, _approving.short_key(registry.key), registry.url


def _as_data(registry: RegistrySettings, state: State | None) -> dict[str, Any]:
    return {
        "name": registry.name,
        "url": registry.url,
        "signed": registry.key is not None,
        "key": registry.key,
        "version": state.version if state else None,
        "expires": state.expires or None if state else None,
        "packages": state.packages if state else None,
        "seen": _moment(state.checked) if state else None,
    }


def _moment(seconds: float) -> str:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
