"""Which Flink a job is for, and what of it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from headrace_registry.bundle._choosing import FLINK
from headrace_registry.bundle.engines import NEWEST, engine_for
from headrace_registry.errors import BundleError

if TYPE_CHECKING:
    from headrace_registry.bundle._choosing import Mode
    from headrace_registry.bundle._members import Wheel
    from headrace_registry.bundle.engines import Engine
    from headrace_registry.locking import Lock

__all__ = ["engine_notes", "engine_of", "flink_version"]


def flink_version(lock: Lock, core: Wheel) -> str:
    """The version of Flink that a job is for: the locked one, or else the newest.

    Args:
        lock: The project's lock.
        core: The wheel of headrace-core that goes in.

    Raises:
        BundleError: None is locked, and this core does not run on the newest.
    """
    flink = lock.package(FLINK)
    if flink is not None:
        return flink.version
    from packaging.requirements import Requirement

    for one in map(Requirement, core.requires):
        if canonicalize_name(one.name) == FLINK and one.specifier.contains(NEWEST):
            return NEWEST
    raise BundleError(
        f"no Flink is locked, and the locked headrace-core does not run on {NEWEST}, the newest "
        f"that is known here\n  next: put {FLINK} of the cluster's line into the project's "
        "dependencies, then: agents lock"
    )


def engine_of(lock: Lock) -> Engine | None:
    """What of the locked Flink travels; ``None`` where nothing is known of it."""
    flink = lock.package(FLINK)
    found = None if flink is None else engine_for(flink.version)
    return None if found is None else found.held_to(_versions_of(lock))


def engine_notes(lock: Lock, mode: Mode) -> tuple[str, ...]:
    """What of the engine could have stayed behind, and did not; or that nobody chose one."""
    flink = lock.package(FLINK)
    if flink is None:
        line = NEWEST.rpartition(".")[0]
        told = f"no Flink is locked, so the job is for clusters of Flink {line}: for another line "
        return (f"{told}put {FLINK}==LINE.* into the project's dependencies",)
    if mode == "provided":
        return ()
    found = engine_for(flink.version)
    if found is None:
        return (f"nothing is known of what Flink {flink.version} can do without: all goes in",)
    return found.unproven(_versions_of(lock))


def _versions_of(lock: Lock) -> dict[str, str]:
    """What is locked, by name; a lock for one target has one version of each."""
    return {one.name: one.version for one in lock.packages}
