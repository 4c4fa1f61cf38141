"""A project as a change finds it: its file, its lock, and what its registries have."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name

from headrace_registry.errors import ProjectFileError, SourceError
from headrace_registry.settings import read_settings
from headrace_registry.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from packaging.requirements import Requirement

    from headrace_registry.client import RegistryClient, Snapshot
    from headrace_registry.locking import Lock, RegistryState, Wanted
    from headrace_registry.settings import ProjectSettings, RegistrySettings

__all__ = ["LOCK", "PYPROJECT", "VENDOR_FOLDER", "Project", "open_project"]

PYPROJECT = "pyproject.toml"
"""The project's file."""
LOCK = "pylock.toml"
"""The project's lock."""
VENDOR_FOLDER = "vendor"
"""The folder of the wheels that the project made of folders, zips and git repositories."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project at one moment."""

    folder: Path
    """Its folder."""
    text: str
    """What its ``pyproject.toml`` says."""
    requirements: tuple[Requirement, ...]
    """What it asks for."""
    requires_python: str
    """The Pythons that it is for."""
    settings: ProjectSettings
    """Where its packages come from."""
    lock: Lock | None
    """Its lock; ``None`` where it has none."""
    clients: Mapping[str, RegistryClient] = field(hash=False)
    """Its registries, by name."""
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict, hash=False)
    """What they have, by name; empty until ``refreshed``."""
    offline: bool = False
    """Whether the network is not to be used."""

    @property
    def file(self) -> Path:
        """Its ``pyproject.toml``."""
        return self.folder / PYPROJECT

    @property
    def direct(self) -> frozenset[str]:
        """The names of the packages that it asks for itself."""
        return frozenset(str(canonicalize_name(one.name)) for one in self.requirements)

    def refreshed(self) -> Project:
        """The same, with what its registries have now; from the cache when offline.

        Raises:
            RegistryError: A registry is away, or what it gives is not what its keeper signed.
        """
        seen = {} if self.lock is None else self.lock.registries
        snapshots = {
            one.name: self.clients[one.name].refresh(
                least_version=_seen_version(seen.get(one.name), one)
            )
            for one in self.settings.registries
        }
        return replace(self, snapshots=snapshots)

    def saying(self, text: str) -> Project:
        """The same project, were its file to say another text.

        Raises:
            ProjectFileError: The text cannot be read.
            SettingsError: What it says of registries and sources is wrong.
        """
        from headrace_registry.projects import requirements

        found, pythons = requirements(self.file, text)
        return replace(
            self,
            text=text,
            requirements=found,
            requires_python=pythons,
            settings=read_settings(_agents_table(text), self.folder),
        )

    def wanted(self, vendor: Mapping[str, Path] | None = None) -> Wanted:
        """What is to be locked.

        Args:
            vendor: Wheels by package that take the place of those of the ``vendor`` folder, or
                come beside them; they need not be there yet.
        """
        from headrace_registry.locking import Wanted, flink_of, package_index, vendored

        fresh = {name: (path,) for name, path in (vendor or {}).items()}
        wheels = {**vendored(self.settings), **fresh}
        return Wanted(
            requirements=(
                *self.requirements,
                *flink_of(self.settings.targets, self.requires_python),
            ),
            requires_python=self.requires_python,
            settings=self.settings,
            snapshots=self.snapshots,
            vendor=wheels,
            index=package_index(self.settings),
        )


def open_project(folder: Path, *, offline: bool = False) -> Project:
    """Reads a project's file and lock; asks nobody for anything yet.

    Raises:
        ProjectFileError: There is no ``pyproject.toml``, or one that cannot be read.
        LockError: Its lock cannot be read.
        SettingsError: What it says of registries and sources is wrong.
        SourceError: A wheel of ``vendor/`` is not the one that was added.
    """
    from headrace_registry.client import RegistryClient
    from headrace_registry.locking import read_lock

    file = folder / PYPROJECT
    try:
        text = file.read_bytes().decode()
    except FileNotFoundError:
        raise ProjectFileError(
            f"there is no {PYPROJECT} in {folder}\n  next: agents init; or go to a project's folder"
        ) from None
    except UnicodeDecodeError as error:
        raise ProjectFileError(f"{file} is not UTF-8: {error}") from None
    settings = read_settings(_agents_table(text), folder)
    _check_vendor(settings)
    project = Project(
        folder=folder,
        text=text,
        requirements=(),
        requires_python="",
        settings=settings,
        lock=read_lock(folder / LOCK),
        clients={one.name: RegistryClient(one, offline=offline) for one in settings.registries},
        offline=offline,
    )
    return project.saying(text)


def _check_vendor(settings: ProjectSettings) -> None:
    """Holds the wheels of ``vendor/`` against what the project says of their contents.

    Raises:
        SourceError: A wheel is not the one that was added.
    """
    from headrace_registry.locking import vendored
    from headrace_registry.wheels import file_digest

    there = vendored(settings)
    for name, source in settings.sources.items():
        for wheel in there.get(name, ()):
            if (found := f"sha256:{file_digest(wheel)}") != source.digest:
                raise SourceError(
                    f"{wheel} is not the wheel that was added\n"
                    f"  why:  it is {found}, and [tool.agents.sources] says {source.digest}\n"
                    f"  next: put the right one back (version control has it), or: "
                    f"agents skills add {source.spec}"
                )


def _seen_version(seen: RegistryState | None, registry: RegistrySettings) -> int:
    """The version that the lock remembers; a registry at another place, or key, starts anew."""
    if seen is None or (seen.url, seen.key) != (registry.url, registry.key):
        return 0
    return seen.version


def _agents_table(text: str) -> dict[str, Any]:
    try:
        data: dict[str, Any] = parse_toml(text)
    except ValueError as error:
        raise ProjectFileError(f"{PYPROJECT} is not TOML: {error}") from None
    tool = data.get("tool", {})
    found = tool.get("agents", {}) if isinstance(tool, dict) else {}
    return found if isinstance(found, dict) else {}
