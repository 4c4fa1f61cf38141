"""The same names elsewhere: packages that must not be mistaken for the registry's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from headrace_registry._side_by_side import side_by_side
from headrace_registry.locking.scratch import scratch
from headrace_registry.locking.uv import run_uv
from headrace_registry.settings import INDEX

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from headrace_registry.locking.lock import Lock, LockedPackage
    from headrace_registry.locking.wanted import Wanted

__all__ = ["LookAlike", "look_alikes"]

_AT_ONCE = 4
_PINNED = re.compile(r"(?m)^[A-Za-z0-9._-]+==(\S+)")


@dataclass(frozen=True, slots=True, order=True)
class LookAlike:
    """A package of a locked name that was not taken."""

    name: str
    """The name."""
    origin: str
    """Where the locked one is from."""
    version: str
    """Its version."""
    elsewhere: str
    """Who has that name too: a registry's name, or ``index``."""
    other_version: str
    """The highest version there."""

    def __str__(self) -> str:
        where = "the package index" if self.elsewhere == INDEX else f"the registry {self.elsewhere}"
        return (
            f"{self.name} {self.version} is from {self.origin}; {where} has {self.other_version} "
            "under that name, which was not taken"
        )


def look_alikes(lock: Lock, wanted: Wanted, names: Collection[str]) -> list[LookAlike]:
    """Packages of registries and of ``vendor/`` that are elsewhere in a higher version.

    Args:
        lock: What was locked.
        wanted: What it was made from, with the registries' catalogues.
        names: The packages that are looked into; an index that does not answer tells nothing.
    """
    built = {one.partition("==")[0] for one in wanted.settings.build}
    ours = [
        one
        for one in lock.packages
        if one.name in names and one.origin != INDEX and one.name not in built
    ]
    of_index = side_by_side(lambda one: _in_index(wanted, one.name), ours, _AT_ONCE)
    found = [
        LookAlike(one.name, one.origin, one.version, where, version)
        for one, index_version in zip(ours, of_index, strict=True)
        for where, version in (*_in_registries(wanted, one), (INDEX, index_version))
        if _higher(version, one.version)
    ]
    return sorted(found)


def _in_registries(wanted: Wanted, package: LockedPackage) -> Iterator[tuple[str, str]]:
    for name, snapshot in wanted.snapshots.items():
        there = snapshot.catalogue.by_name.get(package.name) if name != package.origin else None
        if there is not None and there.releases:
            yield name, max((one.version for one in there.releases), key=Version)


def _in_index(wanted: Wanted, name: str) -> str:
    with scratch() as folder:
        (folder / "name.in").write_text(f"{name}\n", encoding="utf-8")
        # Never built: it may be what it must not be taken for.
        result = run_uv(
            [
                "pip",
                "compile",
                "name.in",
                "--no-deps",
                "--no-build",
                "--no-header",
                "--no-annotate",
            ],
            folder=folder,
            index=wanted.index,
        )
    if result.code == 0:
        found = _PINNED.search(result.output)
        return found[1] if found else ""
    versions = [one.versions for one in result.facts if one.package == name and one.kind != "none"]
    return max((text.lstrip("<>=").split(",")[0] for text in versions), key=_key, default="")


def _higher(version: str, than: str) -> bool:
    return _key(version) > Version(than)


def _key(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion:
        return Version("0.dev0")
