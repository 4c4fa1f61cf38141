"""``agents registry remove``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace_cli._commands.registry import _approving
from headrace_cli._errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("remove")
@click.argument("name")
@click.option("--force", is_flag=True, help="Although packages come from it.")
@click.option("--dry-run", is_flag=True, help="Say what would be, and write nothing.")
def command(name: str, force: bool, dry_run: bool) -> None:  # noqa: FBT001
    """Approve of the registry NAME no more.

    A registry that packages of the project come from stays, unless --force is given.
    """
    from headrace_cli._packages import held
    from headrace_registry.projects import remove_registry

    (registry,) = _approving.chosen((name,))
    file = _approving.project_file()
    users = _users(file, registry.name)
    if users and not force:
        raise CommandError(
            f"{name}: packages of this project come from it",
            why=", ".join(users),
            then=f"remove them first; or: agents registry remove {name} --force",
        )
    if dry_run:
        click.echo(f"{name}: would go from {file} (nothing was written)")
        return
    with held(file.parent):
        before = _approving.read(file)
        _approving.write(file, before, remove_registry(before, name))
    click.echo(f"{name}: is no longer in {file}")
    if users:
        click.echo(f"these have no registry now: {', '.join(users)}", err=True)


def _users(file: Path, name: str) -> list[str]:
    """The packages that come from a registry, by the project or by its lock."""
    from headrace_registry.locking import read_lock

    bound = {one for one, origin in _approving.settings_of(file).bound.items() if origin == name}
    lock = read_lock(file.parent / "pylock.toml")
    locked = {one.name for one in lock.packages if one.origin == name} if lock else set()
    return sorted(bound | locked)
