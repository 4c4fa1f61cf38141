"""``agents registry refresh``: asks the project's registries, and verifies what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace_cli._commands.registry import _approving
from headrace_cli._errors import CommandError

if TYPE_CHECKING:
    from headrace_registry.settings import RegistrySettings

__all__ = ["command"]


@click.command("refresh")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(names: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001
    """Ask the project's registries, or those of some NAMEs, and verify what they give.

    All are tried; the exit code is 1 if one of them failed.
    """
    told = [_refreshed(one) for one in _approving.chosen(names)]
    failed = [one for one in told if one["error"]]
    if as_json:
        import json

        click.echo(json.dumps({"registries": told}, indent=2))
    else:
        for one in told:
            if one["error"]:
                click.echo(f"{one['name']}: failed: {one['error']}", err=True)
            else:
                news = "new" if one["changed"] else "nothing new"
                packages = _approving.counted(one["packages"], "package")
                click.echo(f"{one['name']}: {packages}, {news}")
    if failed:
        what = f"{len(failed)} of {len(told)} could not be refreshed"
        raise CommandError(what, then="what was seen before is still in the cache")


def _refreshed(registry: RegistrySettings) -> dict[str, Any]:
    from headrace_registry.client import RegistryClient, Store
    from headrace_registry.errors import RegistryError

    store = Store(registry)
    before = store.state()
    error = ""
    try:
        with RegistryClient(registry) as client:
            client.refresh(least_version=_remembered(registry))
    except RegistryError as failed:
        error = str(failed)
    state = store.state()
    return {
        "name": registry.name,
        "version": state.version if state else None,
        "packages": state.packages if state else None,
        "changed": state is not None and (before is None or before.digest != state.digest),
        "error": error,
    }


def _remembered(registry: RegistrySettings) -> int:
    """The version of a registry that the project's lock was made with."""
    from headrace_registry.locking import read_lock

    lock = read_lock(_approving.project_file().parent / "pylock.toml")
    seen = lock.registries.get(registry.name) if lock else None
    same = seen is not None and (seen.url, seen.key) == (registry.url, registry.key)
    return seen.version if seen is not None and same else 0
