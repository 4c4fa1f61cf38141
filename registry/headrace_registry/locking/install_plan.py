"""What installing a lock into an environment would do."""

from __future__ import annotations

import csv
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from headrace_registry.errors import InstallError, LockError
from headrace_registry.locking.targets import best_wheel, fits, machine
from headrace_registry.settings import INDEX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace_registry.locking.environment import Environment
    from headrace_registry.locking.lock import Lock, LockedPackage, LockedWheel
    from headrace_registry.settings import Target

__all__ = [
    "InstallReport",
    "Step",
    "is_whole",
    "plan_install",
    "planned",
    "same",
    "steps_of",
    "target_of",
]


@dataclass(frozen=True, slots=True)
class InstallReport:
    """What an installation does, or did."""

    environment: str
    """The environment's folder."""
    made: bool
    """Whether the environment is made for it."""
    installed: tuple[str, ...]
    """What comes in, as ``NAME==VERSION``."""
    replaced: tuple[str, ...]
    """What takes another's place: another version, or other bytes."""
    removed: tuple[str, ...]
    """What goes, as ``NAME==VERSION``."""
    unchanged: int
    """How many packages of the lock were there already."""
    resumed: bool = False
    """Whether an installation before did not come to its end."""

    def __str__(self) -> str:
        parts = (
            ("installed", len(self.installed)),
            ("replaced", len(self.replaced)),
            ("removed", len(self.removed)),
            ("unchanged", self.unchanged),
        )
        told = ", ".join(f"{count} {word}" for word, count in parts if count)
        return f"{self.environment}: {told or 'nothing to install'}"


@dataclass(frozen=True, slots=True)
class Step:
    """A package of the lock, as it goes into this environment."""

    package: LockedPackage
    wheel: LockedWheel


def plan_install(
    lock: Lock,
    environment: Environment,
    *,
    project: Path,
    before: Lock | None = None,
    exact: bool = False,
) -> InstallReport:
    """What ``install`` would do; nothing is changed.

    Raises:
        InstallError: The lock is not for this environment.
    """
    target = target_of(lock, environment)
    return planned(lock, environment, target, project=project, before=before, exact=exact)[0]


def target_of(lock: Lock, environment: Environment) -> Target:
    """The target of the lock that an environment is, or is made for."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    pythons = [environment.version] if environment.version else [own, "3.12", "3.11", "3.10"]
    for python in pythons:
        if (found := machine(python)) in lock.targets:
            return found
    told = "; ".join(map(str, lock.targets))
    raise InstallError(
        f"the lock is not for this environment: {machine(pythons[0])}\n"
        f"  where: {environment}\n  why:   it was made for {told}\n"
        "  next: add the target to [tool.agents] targets, then: agents lock"
    )


def planned(
    lock: Lock,
    environment: Environment,
    target: Target,
    *,
    project: Path,
    before: Lock | None,
    exact: bool,
) -> tuple[InstallReport, list[Step], set[str]]:
    """What is to be done, the packages that belong there, and those to install over."""
    steps = steps_of(lock, target)
    have, state = environment.installed(), environment.state()
    known = dict(state.packages) if state is not None else {}
    broken = state is not None and not state.done
    again, new, replaced = set[str](), [], []
    for one in steps:
        name, version = one.package.name, one.package.version
        if name not in have:
            new.append(f"{name}=={version}")
        elif not same(have[name], version):
            replaced.append(f"{name}=={version}")
        elif _doubtful(one, known, environment, broken=broken):
            again.add(name)
            replaced.append(f"{name}=={version}")
    wanted = {one.package.name for one in steps}
    former = {one.name for one in before.packages} if before is not None else set()
    if state is not None and state.project == str(project):  # not what another project put there
        former |= set(known)
    gone = (set(have) if exact else former & set(have)) - wanted - _own(environment)
    report = InstallReport(
        environment=str(environment),
        made=environment.python is None,
        installed=tuple(new),
        replaced=tuple(replaced),
        removed=tuple(f"{name}=={have[name]}" for name in sorted(gone)),
        unchanged=len(steps) - len(new) - len(replaced),
        resumed=broken,
    )
    return report, steps, again


def _own(environment: Environment) -> set[str]:
    """What this very program needs, where it runs in that environment: it is never removed."""
    if environment.packages is None or environment.prefix.resolve() != Path(sys.prefix).resolve():
        return set()
    found: set[str] = set()
    left = ["headrace", "headrace-cli"]
    while left:
        name = left.pop()
        if name in found:
            continue
        with suppress(PackageNotFoundError):
            needs = [Requirement(one) for one in requires(name) or ()]
            left += [
                str(canonicalize_name(one.name))
                for one in needs
                if one.marker is None or one.marker.evaluate({"extra": ""})
            ]
            found.add(name)
    return found


def steps_of(lock: Lock, target: Target) -> list[Step]:
    """The packages of a lock for a target, each with the wheel that fits it best.

    Raises:
        LockError: One has no wheel for it.
    """
    found = []
    for package in lock.packages:
        if package.marker is not None and not any(fits(package.marker, target)):
            continue
        best = best_wheel([one.filename for one in package.wheels], target)
        if best is None:
            raise LockError(
                f"the lock has no wheel of {package.name} {package.version} for {target}\n"
                "  next: agents lock"
            )
        found.append(Step(package, next(one for one in package.wheels if one.filename == best)))
    return found


def same(have: str, wanted: str) -> bool:
    """Whether two texts are one version."""
    try:
        return Version(have) == Version(wanted)
    except InvalidVersion:
        return have == wanted


def _doubtful(
    step: Step, known: Mapping[str, str], environment: Environment, *, broken: bool
) -> bool:
    """Whether what is there under the right version may have other bytes than the locked ones."""
    name = step.package.name
    if broken and not is_whole(environment, name):
        return True
    if name in known:
        return known[name] != step.wheel.sha256
    # Of the index a version is one thing; what a registry has may be anybody's under that name.
    return step.package.origin != INDEX


def is_whole(environment: Environment, name: str) -> bool:
    """Whether all files of a distribution are there."""
    record = environment.record(name)
    if record is None or environment.packages is None:
        return False
    with record.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    for path, _, size in (row for row in rows if len(row) == 3):  # noqa: PLR2004 - as specified
        place = environment.packages / path
        if not place.is_file() or (size and place.stat().st_size != int(size)):
            return False
    return bool(rows)
