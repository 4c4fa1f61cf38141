"""From what uv resolved to a lock: only wheels, each from the place that its name belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from headrace_registry.errors import LockError
from headrace_registry.locking.lock import (
    Lock,
    LockedPackage,
    LockedWheel,
    RegistryState,
    file_name,
)
from headrace_registry.locking.targets import best_wheel, fits, python_range, targets_of
from headrace_registry.locking.wanted import file_sha256, inputs_digest
from headrace_registry.settings import INDEX, VENDOR, without_credentials
from headrace_registry.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace_registry.locking.ownership import Owners
    from headrace_registry.locking.wanted import Wanted
    from headrace_registry.settings import Target

__all__ = ["Unusable", "lock_of"]


@dataclass(frozen=True, slots=True)
class Unusable:
    """A version that some target has no wheel for."""

    name: str
    """The package."""
    version: str
    """Its version."""
    target: Target
    """The target."""
    why: str = "has no wheel for"
    """What is between the version and the target."""

    def __str__(self) -> str:
        return f"{self.name} {self.version} {self.why} {self.target}"


def lock_of(exported: str, uv_lock: str, wanted: Wanted, owners: Owners) -> Lock | list[Unusable]:
    """The lock, or what makes it none: versions without a wheel for a target.

    Args:
        exported: What ``uv export --format pylock.toml`` printed.
        uv_lock: The ``uv.lock`` that it left.
        wanted: What was resolved.
        owners: Which name is whose.

    Raises:
        LockError: Something was taken from where it does not belong, or has no hash.
    """
    targets = targets_of(wanted.settings)
    dependencies = _dependencies(parse_toml(uv_lock))
    entries = parse_toml(exported).get("packages", [])
    names = {one["name"] for one in entries}
    packages: list[LockedPackage] = []
    unusable: list[Unusable] = []
    chosen: dict[tuple[str, Target], str] = {}
    for entry in entries:
        name, version = entry["name"], str(Version(entry["version"]))
        on, everywhere = _where(entry.get("marker"), targets)
        wheels = sorted(_wheels(entry, version, wanted, owners), key=lambda one: one.filename)
        usable = [one for one in wheels if any(_can_use(target, one) for target in on)]
        unusable += [
            Unusable(name, version, target)
            for target in on
            if not any(_can_use(target, one) for one in usable)
        ]
        for target in on:
            # uv may choose by the patch of a Python; a target is one machine with one version.
            other = chosen.setdefault((name, target), version)
            if other != version:
                newer = max(other, version, key=Version)
                unusable.append(Unusable(name, newer, target, "is not for every patch of"))
        packages.append(
            LockedPackage(
                name=name,
                version=version,
                marker=None if everywhere else entry.get("marker"),
                origin=owners.of(name),
                wheels=tuple(usable),
                dependencies=tuple(sorted(dependencies.get((name, version), set()) & names)),
                index=_index(entry, wanted, owners),
            )
        )
    if not unusable:
        _vouched(packages, wanted)
    return unusable or Lock(
        packages=tuple(sorted(packages, key=lambda one: (one.name, Version(one.version)))),
        targets=targets,
        requires_python=python_range(targets, wanted.requires_python),
        inputs=inputs_digest(wanted),
        registries={
            name: RegistryState(one.registry.url, one.registry.key, one.version, one.digest)
            for name, one in wanted.snapshots.items()
        },
    )


def _where(marker: str | None, targets: tuple[Target, ...]) -> tuple[list[Target], bool]:
    """The targets that a package is for, and whether it is for all, whatever Python's patch."""
    if marker is None:
        return list(targets), True
    found = {target: fits(marker, target) for target in targets}
    return [one for one in targets if any(found[one])], all(all(one) for one in found.values())


def _can_use(target: Target, wheel: LockedWheel) -> bool:
    return best_wheel([wheel.filename], target) is not None


def _index(entry: dict[str, Any], wanted: Wanted, owners: Owners) -> str | None:
    owner = owners.of(entry["name"])
    if owner == VENDOR:
        return None
    if owner == INDEX:
        return without_credentials(entry["index"]) if "index" in entry else None
    return wanted.snapshots[owner].registry.url


def _wheels(
    entry: dict[str, Any], version: str, wanted: Wanted, owners: Owners
) -> Iterator[LockedWheel]:
    name = entry["name"]
    owner = owners.of(name)
    if owner == VENDOR:
        for path in wanted.vendor.get(name, ()):
            if str(parse_wheel_filename(path.name)[1]) == version:
                yield LockedWheel(
                    path.name,
                    file_sha256(path),
                    path.stat().st_size,
                    path=f"{VENDOR}/{path.name}",
                )
    elif owner == INDEX:
        for one in entry.get("wheels", ()):
            if one.get("url", "").startswith("file:") and not _is_local(wanted):
                raise LockError(f"{name} {version} came from a local file: {one['url']}")
            if "sha256" not in one.get("hashes", {}):
                raise LockError(
                    f"the package index tells no SHA-256 of {name} {version}, and without one "
                    "nothing is locked\n  next: use an index that does"
                )
            url = without_credentials(one["url"])
            name_of = one.get("name") or file_name(url)
            yield LockedWheel(name_of, one["hashes"]["sha256"], one.get("size"), url=url)
    else:
        yield from _registry_wheels(entry, version, wanted, owner)


def _registry_wheels(
    entry: dict[str, Any], version: str, wanted: Wanted, owner: str
) -> Iterator[LockedWheel]:
    """The wheels as the signed catalogue has them: uv's word is not taken for them."""
    name = entry["name"]
    snapshot = wanted.snapshots.get(owner)
    package = snapshot.catalogue.by_name.get(name) if snapshot is not None else None
    release = package.release(version) if package is not None else None
    if snapshot is None or release is None:
        raise LockError(f"{name} {version} is not in the catalogue of {owner}, which it belongs to")
    for file in release.files:
        yield LockedWheel(file.filename, file.sha256, file.size, url=snapshot.file_url(name, file))


def _vouched(packages: Sequence[LockedPackage], wanted: Wanted) -> None:
    """Holds the outcome against the catalogues: whatever a release requires is there.

    Raises:
        LockError: It is not.
    """
    versions: dict[str, list[str]] = {}
    for package in packages:
        versions.setdefault(package.name, []).append(package.version)
    targets = targets_of(wanted.settings)
    for package in packages:
        snapshot = wanted.snapshots.get(package.origin)
        there = snapshot.catalogue.by_name.get(package.name) if snapshot is not None else None
        release = there.release(package.version) if there is not None else None
        for text in release.requires if release is not None else ():
            one = Requirement(text)
            if one.marker and not any(all(fits(str(one.marker), target)) for target in targets):
                continue
            have = versions.get(str(canonicalize_name(one.name)), [])
            if not any(one.specifier.contains(version, prereleases=True) for version in have):
                raise LockError(
                    f"{package.name} {package.version} requires {text}, and what was resolved has "
                    f"{' and '.join(have) or 'none'}: {package.origin} and the resolver disagree"
                )


def _is_local(wanted: Wanted) -> bool:
    return (wanted.index or "").startswith("file:")


def _dependencies(data: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for package in data.get("package", []):
        if "version" not in package:
            continue
        extras = package.get("optional-dependencies", {}).values()
        wanted = (*package.get("dependencies", ()), *(one for some in extras for one in some))
        names = {one["name"] for one in wanted} - {package["name"]}
        found[package["name"], str(Version(package["version"]))] = names
    return found
