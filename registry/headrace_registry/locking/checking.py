"""Whether a lock still is what a project wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import Version

from headrace_registry.locking.targets import fits, targets_of
from headrace_registry.locking.wanted import inputs_digest, text_of
from headrace_registry.settings import VENDOR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.requirements import Requirement

    from headrace_registry.locking.lock import Lock
    from headrace_registry.locking.wanted import Wanted

__all__ = ["check"]


def check(lock: Lock, wanted: Wanted) -> list[str]:
    """What is wrong with a lock, in sentences; nothing where it is in keeping with the project.

    With catalogues (``wanted.snapshots``) each registry's wheel is held against the signed hash.
    """
    found = [
        *_targets(lock, wanted),
        *(text for one in wanted.requirements for text in _requirement(lock, wanted, one)),
        *_origins(lock, wanted),
        *_registries(lock, wanted),
        *_hashes(lock, wanted),
    ]
    if not found and lock.inputs != inputs_digest(wanted):
        found.append("the project's requirements or settings changed since it was locked")
    return found


def _targets(lock: Lock, wanted: Wanted) -> Iterator[str]:
    targets = targets_of(wanted.settings)
    for one in targets:
        if one not in lock.targets:
            yield f"it is not locked for {one}"
    for one in lock.targets:
        if one not in targets:
            yield f"it is locked for {one}, which is no target any more"


def _requirement(lock: Lock, wanted: Wanted, requirement: Requirement) -> Iterator[str]:
    marker = requirement.marker
    targets = targets_of(wanted.settings)
    if marker is not None and not any(any(fits(str(marker), one)) for one in targets):
        return
    name = str(canonicalize_name(requirement.name))
    versions = lock.versions().get(name)
    if versions is None:
        yield f"{text_of(requirement)} is required, and {name} is not locked"
        return
    for version in versions:
        if marker is not None and not _meets(lock, name, version, str(marker)):
            continue
        if not requirement.specifier.contains(Version(version), prereleases=True):
            yield f"{text_of(requirement)} is required, and {version} is locked"


def _meets(lock: Lock, name: str, version: str, marker: str) -> bool:
    """Whether there is a target that a version is for, and a marker is true on."""
    (package,) = (one for one in lock.packages if (one.name, one.version) == (name, version))
    return any(
        any(fits(marker, one)) and (package.marker is None or any(fits(package.marker, one)))
        for one in lock.targets
    )


def _origins(lock: Lock, wanted: Wanted) -> Iterator[str]:
    for package in lock.packages:
        bound = wanted.settings.bound.get(package.name)
        if bound is not None and bound != package.origin:
            yield f"{package.name} is bound to {bound}, and was locked from {package.origin}"
        if package.origin == VENDOR:
            have = {one.name for one in wanted.vendor.get(package.name, ())}
            for wheel in package.wheels:
                if wheel.filename not in have:
                    yield f"{wheel.path} is locked, and is not there"


def _registries(lock: Lock, wanted: Wanted) -> Iterator[str]:
    said = {one.name: one for one in wanted.settings.registries}
    for name in sorted({one.origin for one in lock.packages} & set(lock.registries)):
        state, now = lock.registries[name], said.get(name)
        if now is None:
            yield f"packages were locked from the registry {name}, which is approved no more"
        elif (now.url, now.key) != (state.url, state.key):
            yield f"the registry {name} has another address or key than when it was locked"


def _hashes(lock: Lock, wanted: Wanted) -> Iterator[str]:
    for package in lock.packages:
        snapshot = wanted.snapshots.get(package.origin)
        if snapshot is None:
            continue
        there = snapshot.catalogue.by_name.get(package.name)
        release = there.release(package.version) if there is not None else None
        signed = {one.filename: one.sha256 for one in release.files} if release else {}
        for wheel in package.wheels:
            if wheel.filename not in signed:
                yield f"{wheel.filename} is locked, and {package.origin} has it no more"
            elif signed[wheel.filename] != wheel.sha256:
                yield f"{wheel.filename} is locked with another hash than {package.origin} signed"
