"""A project's packages on the command line: what it wants locked, and who has it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from headrace_registry.client import RegistryClient
    from headrace_registry.locking import Change, Lock, Wanted
    from headrace_registry.settings import ProjectSettings

__all__ = ["Packages", "change_data", "folder_here", "held", "packages_of", "show_changes"]

_FILE = "pyproject.toml"
_LOCK = "pylock.toml"


@dataclass(frozen=True, slots=True)
class Packages:
    """What a project wants, without what its registries have."""

    folder: Path
    """The project's folder."""
    wanted: Wanted
    """What it wants locked."""

    @property
    def settings(self) -> ProjectSettings:
        """Where its packages come from."""
        return self.wanted.settings

    @property
    def lock_file(self) -> Path:
        """Its lock."""
        return self.folder / _LOCK

    @contextmanager
    def clients(self, *, offline: bool) -> Iterator[dict[str, RegistryClient]]:
        """What asks its registries, by name; their connections are given back at the end."""
        with ExitStack() as stack:
            found: dict[str, RegistryClient] = {}
            for one in self.settings.registries:
                from headrace_registry.client import RegistryClient

                found[one.name] = stack.enter_context(RegistryClient(one, offline=offline))
            yield found

    def refreshed(self, lock: Lock | None, clients: Mapping[str, RegistryClient]) -> Wanted:
        """The same, with what the registries have now; none may be older than the lock has seen.

        Raises:
            RegistryError: A registry is away, or what it gives is not what its keeper signed.
        """
        snapshots = {}
        for name, client in clients.items():
            seen = None if lock is None else lock.registries.get(name)
            one = next(one for one in self.settings.registries if one.name == name)
            same = seen is not None and (seen.url, seen.key) == (one.url, one.key)
            least = seen.version if seen is not None and same else 0
            snapshots[name] = client.refresh(least_version=least)
            for text in getattr(snapshots[name], "warnings", ()):
                click.echo(f"warning: {text}", err=True)
        return replace(self.wanted, snapshots=snapshots)


def folder_here() -> Path:
    """The folder of the project that the working folder is in.

    Raises:
        CommandError: There is none.
    """
    folder = Path.cwd()
    for place in (folder, *folder.parents):
        if (place / _FILE).is_file():
            return place
    raise CommandError(
        f"there is no {_FILE} in this folder or above it",
        where=str(folder),
        then="agents init; or go to a project's folder",
    )


def packages_of(folder: Path) -> Packages:
    """What a project wants.

    Raises:
        CommandError: Its file cannot be read, or what it says is wrong.
    """
    from headrace_cli._project import Project, read_project
    from headrace_registry.locking import Wanted, flink_of, package_index, vendored
    from headrace_registry.projects import requirements

    file = folder / _FILE
    settings = (read_project(folder) or Project(folder)).settings()
    found, pythons = requirements(file, file.read_text(encoding="utf-8"))
    wanted = Wanted(
        requirements=(*found, *flink_of(settings.targets, pythons)),
        requires_python=pythons,
        settings=settings,
        vendor=vendored(settings),
        index=package_index(settings),
    )
    return Packages(folder, wanted)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds a project: no other command changes it meanwhile; what one left half done is undone.

    Raises:
        BusyError: Another command changes it.
    """
    from headrace_registry.projects import project_lock, recover

    with project_lock(folder):
        for path in recover(folder):
            click.echo(f"{path}: put back, a command that changed it was stopped", err=True)
        yield


def show_changes(changes: Sequence[Change]) -> None:
    """Prints what a lock changes."""
    signs = {"added": "+", "removed": "-", "up": "↑", "down": "↓"}
    for one in changes:
        sign = signs.get(one.kind, "~")
        if one.kind in ("added", "removed"):
            click.echo(f"{sign} {one.name} {one.after or one.before}  ({one.origin})")
        elif one.before == one.after:
            click.echo(f"{sign} {one.name} {one.after}  ({one.kind}, {one.origin})")
        else:
            click.echo(f"{sign} {one.name} {one.before} -> {one.after}  ({one.origin})")


def change_data(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """What a lock changes, as JSON-like data."""
    from dataclasses import asdict

    return [asdict(one) for one in changes]
