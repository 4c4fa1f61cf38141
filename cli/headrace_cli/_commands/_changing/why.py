"""``why``: who needs a package, by the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace_cli._changing import Noun, project_folder
from headrace_cli._errors import CommandError

if TYPE_CHECKING:
    from headrace_registry.locking import Lock

__all__ = ["why_command"]


def why_command(noun: Noun) -> click.Command:
    """``agents NOUN why``."""

    @click.command("why")
    @click.argument("name")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def command(name: str, as_json: bool) -> None:  # noqa: FBT001
        """Say who needs NAME: a package, or the package of a skill or plugin."""
        _why(noun, name, as_json=as_json)

    return command


def _why(noun: Noun, name: str, *, as_json: bool) -> None:
    from headrace_registry.changes import LOCK, PYPROJECT
    from headrace_registry.locking import read_lock, why
    from headrace_registry.projects import requirements

    folder = project_folder()
    lock = read_lock(folder / LOCK)
    if lock is None:
        raise CommandError(f"there is no {LOCK}", where=str(folder), then="agents lock")
    package = _package(noun, name, lock)
    asked, _ = requirements(folder / PYPROJECT, (folder / PYPROJECT).read_bytes().decode())
    chains = why(lock, asked, package)
    versions = lock.versions()[package]
    if as_json:
        import json

        data = {"package": package, "versions": versions, "chains": chains}
        click.echo(json.dumps(data, indent=2))
        return
    click.echo(f"{package} {', '.join(versions)}")
    for chain in chains:
        click.echo("  " + " -> ".join(("this project", *chain)))
    if not chains:
        click.echo("  nothing needs it any more: agents lock")


def _package(noun: Noun, name: str, lock: Lock) -> str:
    """The locked package of a name: its own, or that of a skill or plugin.

    What is installed here is looked into, and what registries had when they were last seen.

    Raises:
        CommandError: There is none.
    """
    from packaging.utils import canonicalize_name

    package: str = canonicalize_name(name)
    if lock.package(package) is not None:
        return package
    carriers = _skill_carriers(name) if noun == "skills" else _plugin_carriers(name)
    for one in (*carriers, *_offering(name)):
        if lock.package(one) is not None:
            return one
    raise CommandError(
        f"the lock has no package {name!r}, and none that brings a {noun[:-1]} of that name",
        then=f"agents {noun} list",
    )


def _skill_carriers(name: str) -> list[str]:
    from headrace_cli._skills import found_skills

    return [
        one.distribution for one in found_skills().skills if one.name == name and one.distribution
    ]


def _plugin_carriers(name: str) -> list[str]:
    from headrace_cli._plugins import discovered

    listed = discovered().list()
    return [one.plugin.distribution for one in listed if name in (one.plugin.name, one.plugin.key)]


def _offering(name: str) -> list[str]:
    from headrace_cli._standing import snapshots_here

    return [
        package.name
        for snapshot in snapshots_here()
        for package in snapshot.catalogue.packages
        if any(one.name == name for release in package.releases for one in release.provides)
    ]
