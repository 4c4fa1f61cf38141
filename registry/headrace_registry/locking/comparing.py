"""What a new lock changes, and who needs what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.requirements import Requirement

    from headrace_registry.locking.lock import Lock, LockedPackage

__all__ = ["Change", "compare", "why"]

_CHAINS = 50
"""The most chains that are told of one package."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a package."""

    name: str
    """Its name."""
    before: str | None
    """Its version before; ``None``: it was not there."""
    after: str | None
    """Its version after; ``None``: it goes."""
    kind: str
    """``added``, ``removed``, ``up``, ``down``, ``same-version-other-bytes`` or ``moved``: the
    same bytes from another place."""
    origin: str
    """Where it comes from afterwards (where it came from, if it goes)."""


def compare(before: Lock | None, after: Lock) -> list[Change]:
    """What changes from one lock to the next, by name."""
    old, new = _by_name(before), _by_name(after)
    found = [_change(name, old.get(name), new.get(name)) for name in sorted({*old, *new})]
    return [one for one in found if one is not None]


def _by_name(lock: Lock | None) -> dict[str, list[LockedPackage]]:
    found: dict[str, list[LockedPackage]] = {}
    for one in lock.packages if lock is not None else ():
        found.setdefault(one.name, []).append(one)
    return found


def _change(
    name: str, old: list[LockedPackage] | None, new: list[LockedPackage] | None
) -> Change | None:
    if old is None or new is None:
        if some := new or old:
            kind = "added" if old is None else "removed"
            return Change(
                name,
                _said(old) if old else None,
                _said(new) if new else None,
                kind,
                some[-1].origin,
            )
        return None
    before, after = [Version(one.version) for one in old], [Version(one.version) for one in new]
    if before != after:
        # With several versions the oldest one tells: anything that falls is a step down.
        kind = "down" if min(after) < min(before) else "up"
    elif _other_bytes(old, new):
        kind = "same-version-other-bytes"
    elif [one.origin for one in old] != [one.origin for one in new]:
        kind = "moved"
    else:
        return None
    return Change(name, _said(old), _said(new), kind, new[-1].origin)


def _other_bytes(old: Sequence[LockedPackage], new: Sequence[LockedPackage]) -> bool:
    """Whether a wheel is another one under its old name, or no wheel is as it was."""
    before, after = (
        {one.filename: one.sha256 for package in some for one in package.wheels}
        for some in (old, new)
    )
    shared = before.keys() & after.keys()
    return not shared or any(before[one] != after[one] for one in shared)


def _said(packages: Sequence[LockedPackage]) -> str:
    return " and ".join(one.version for one in packages)


def why(lock: Lock, requirements: Sequence[Requirement], name: str) -> list[tuple[str, ...]]:
    """The chains from a requirement of the project to a package, the shortest first.

    Args:
        lock: The lock.
        requirements: The project's own requirements.
        name: The package, normalised.
    """
    needs: dict[str, set[str]] = {}
    for package in lock.packages:
        needs.setdefault(package.name, set()).update(package.dependencies)
    direct = sorted({str(canonicalize_name(one.name)) for one in requirements} & set(needs))
    found: list[tuple[str, ...]] = []
    for chain in _chains(needs, direct):
        if chain[-1] == name:
            found.append(chain)
            if len(found) == _CHAINS:
                break
    return found


def _chains(needs: dict[str, set[str]], direct: list[str]) -> Iterator[tuple[str, ...]]:
    """Shortest chains first; from each requirement, who needs whom is passed once."""
    left: list[tuple[str, ...]] = [(one,) for one in direct]
    passed: set[tuple[str, str, str]] = set()
    while left:
        following: list[tuple[str, ...]] = []
        for chain in left:
            yield chain
            for other in sorted(needs.get(chain[-1], ())):
                if other not in chain and (chain[0], chain[-1], other) not in passed:
                    passed.add((chain[0], chain[-1], other))
                    following.append((*chain, other))
        left = following
