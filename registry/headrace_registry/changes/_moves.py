"""The packages that a change moves, with all that is known of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from headrace_registry.changes._review import Move
from headrace_registry.errors import InstallError
from headrace_registry.settings import INDEX, VENDOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from headrace_registry.catalogue import Release
    from headrace_registry.changes._project import Project
    from headrace_registry.changes._review import Kind
    from headrace_registry.locking import Change, Lock, LockedPackage

_KINDS: dict[str, Kind] = {"added": "added", "removed": "removed", "up": "up", "down": "down"}

__all__ = ["moves_of", "release_of", "vendor_wheel"]


def moves_of(
    before: Project, after: Project, lock: Lock, wheels: Mapping[str, Path]
) -> tuple[Move, ...]:
    """What comes, goes and changes.

    Args:
        before: The project as it is.
        after: The project as it would be.
        lock: Its lock as it would be.
        wheels: The wheels that come into ``vendor/``, by package, where they are now.
    """
    from headrace_registry.locking import compare

    changes = compare(before.lock, lock)
    licenses = _licenses(after, changes, lock)
    return tuple(_move(one, before, after, lock, wheels, licenses) for one in changes)


def release_of(project: Project, package: LockedPackage, wheel: Path | None) -> Release | None:
    """What is known of a locked package: by its catalogue, or its wheel in ``vendor/``.

    Args:
        project: The project, refreshed.
        package: The package.
        wheel: Its wheel, where that is at hand.

    Returns:
        ``None`` for a package of the index, and for one that its registry has no more.
    """
    if package.origin == VENDOR:
        return _described(wheel or vendor_wheel(project, package))
    snapshot = project.snapshots.get(package.origin)
    found = None if snapshot is None else snapshot.catalogue.by_name.get(package.name)
    return None if found is None else found.release(package.version)


def _move(
    change: Change,
    before: Project,
    after: Project,
    lock: Lock,
    wheels: Mapping[str, Path],
    licenses: Mapping[str, str],
) -> Move:
    kind = _KINDS.get(change.kind, "changed")
    if change.after is None:
        return Move(
            change.name, kind, change.before, None, change.origin, change.name in before.direct
        )
    package = lock.package(change.name)
    release = None if package is None else release_of(after, package, wheels.get(change.name))
    sizes = [] if package is None else [wheel.size for wheel in package.wheels]
    return Move(
        name=change.name,
        kind=kind,
        before=change.before,
        after=change.after,
        origin=_origin(after, change.name, change.origin),
        direct=change.name in after.direct,
        license=licenses.get(change.name, "") if release is None else release.license,
        size=max((one for one in sizes if one), default=None),
        release=release,
    )


def _origin(project: Project, name: str, origin: str) -> str:
    source = project.settings.sources.get(name)
    return source.spec if origin == VENDOR and source is not None else origin


def vendor_wheel(project: Project, package: LockedPackage) -> Path | None:
    """The wheel of a package in the project's ``vendor`` folder; ``None`` where it is not there."""
    names = {wheel.filename for wheel in package.wheels}
    there = project.wanted().vendor.get(package.name, ())
    return next((path for path in there if path.name in names), None)


def _described(wheel: Path | None) -> Release | None:
    from headrace_registry.site import describe

    if wheel is None:
        return None
    with suppress(FileNotFoundError):
        return describe(wheel).release
    return None


def _licenses(project: Project, changes: Sequence[Change], lock: Lock) -> dict[str, str]:
    """The licences of packages that come from the index, as their metadata says."""
    from headrace_registry._licenses import licenses_of
    from headrace_registry.locking import Environment

    installed = None
    with suppress(InstallError):  # what is wrong with it is told when it is to be changed
        installed = Environment.find(project.folder).packages
    packages = [lock.package(one.name) for one in changes if one.after is not None]
    of_index = [one for one in packages if one is not None and one.origin == INDEX]
    return licenses_of(of_index, installed, offline=project.offline)
