"""Which registry a name belongs to: it is taken from there and never looked up elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from headrace_registry.errors import ConflictError
from headrace_registry.settings import INDEX, VENDOR

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from headrace_registry.locking.lock import Lock
    from headrace_registry.locking.wanted import Wanted

__all__ = ["Owners", "owners_of"]


@dataclass(frozen=True, slots=True)
class Owners:
    """Who owns which name."""

    by_name: Mapping[str, str]
    """For a name, a registry's name, ``index`` or ``vendor``; any other name is the index's."""
    ambiguous: Mapping[str, tuple[str, ...]]
    """Names that nothing is said of and that several registries have."""
    claimed: Mapping[str, str]
    """Names locked from the index that a registry has by now; they stay the index's."""

    def of(self, name: str) -> str:
        """Where a name is taken from."""
        return self.by_name.get(name, INDEX)

    def refuse_ambiguous(self, names: Iterable[str]) -> None:
        """Stops where one of the names could come from several registries.

        Raises:
            ConflictError: It names them, and the line to add.
        """
        for name in sorted(set(names) & set(self.ambiguous)):
            have = self.ambiguous[name]
            raise ConflictError(
                f"{name} is in several registries: {', '.join(have)}\n"
                "  why:   a name belongs to one of them, and nothing says which\n"
                f'  next: write into pyproject.toml: [tool.agents.sources] {name} = "{have[0]}"'
            )

    def refuse_claimed(self, names: Iterable[str]) -> None:
        """Stops where a registry has a name by now that was locked from the index.

        Raises:
            ConflictError: It names them, and the line to add.
        """
        for name in sorted(set(names) & set(self.claimed)):
            raise ConflictError(
                f"{name} was locked from the package index, and the registry "
                f"{self.claimed[name]!r} has that name now\n"
                "  why:   a name stays with what it was first locked from, unless you say so\n"
                f'  next: write into pyproject.toml: [tool.agents.sources] {name} = "index", '
                f'or "{self.claimed[name]}"'
            )


def owners_of(wanted: Wanted, before: Lock | None, upgrade: Collection[str] | None) -> Owners:
    """Who owns which name: what the project says, then the lock before, then who has it.

    Args:
        wanted: The project.
        before: The lock before.
        upgrade: Names that what was locked before does not hold for; ``None``: all.
    """
    said = wanted.settings.bound
    having: dict[str, list[str]] = {}
    for registry, snapshot in wanted.snapshots.items():
        for there in snapshot.catalogue.packages:
            having.setdefault(there.name, []).append(registry)
    built = {one.partition("==")[0] for one in wanted.settings.build}
    owners = dict.fromkeys(built, VENDOR) | dict(said)
    claimed: dict[str, str] = {}
    for package in before.packages if before is not None and upgrade is not None else ():
        if package.name in owners or package.name in (upgrade or ()):
            continue
        if package.origin not in (INDEX, VENDOR):
            owners[package.name] = package.origin
        elif package.origin == INDEX and (now := having.get(package.name)):
            owners[package.name] = INDEX
            claimed[package.name] = now[0]
    ambiguous = {}
    for name, registries in having.items():
        if name not in owners:
            owners[name] = registries[0]
            if len(registries) > 1:
                ambiguous[name] = tuple(registries)
    return Owners(owners, ambiguous, claimed)


def reachable(wanted: Wanted, owners: Owners, more: Iterable[str] = ()) -> set[str]:
    """The names of registries that the project's requirements lead to, as far as catalogues say."""
    found: set[str] = set()
    left = {str(canonicalize_name(one.name)) for one in wanted.requirements} | set(more)
    while left:
        name = left.pop()
        found.add(name)
        snapshot = wanted.snapshots.get(owners.of(name))
        package = snapshot.catalogue.by_name.get(name) if snapshot is not None else None
        for release in package.releases if package is not None else ():
            for one in release.requires:
                other = str(canonicalize_name(Requirement(one).name))
                if other not in found:
                    left.add(other)
    return found
