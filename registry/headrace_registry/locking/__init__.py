"""Resolving, the lock, and installing from it.

Names are loaded when they are first used: a command that finds nothing to do loads little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace_registry.locking.building import build_missing
    from headrace_registry.locking.checking import check
    from headrace_registry.locking.comparing import Change, compare, why
    from headrace_registry.locking.environment import Environment, SyncState
    from headrace_registry.locking.install_plan import InstallReport, plan_install
    from headrace_registry.locking.installing import install
    from headrace_registry.locking.lock import (
        LOCK,
        Lock,
        LockedPackage,
        LockedWheel,
        RegistryState,
        read_lock,
        recorded,
    )
    from headrace_registry.locking.namesakes import LookAlike, look_alikes
    from headrace_registry.locking.resolving import resolve
    from headrace_registry.locking.targets import flink_of, targets_of, this_machine
    from headrace_registry.locking.wanted import Wanted, inputs_digest, package_index, vendored

_HOMES = {
    "building": ("build_missing",),
    "checking": ("check",),
    "comparing": ("Change", "compare", "why"),
    "environment": ("Environment", "SyncState"),
    "install_plan": ("InstallReport", "plan_install"),
    "installing": ("install",),
    "namesakes": ("LookAlike", "look_alikes"),
    "lock": (
        "LOCK",
        "Lock",
        "LockedPackage",
        "LockedWheel",
        "RegistryState",
        "read_lock",
        "recorded",
    ),
    "resolving": ("resolve",),
    "targets": ("flink_of", "targets_of", "this_machine"),
    "wanted": ("Wanted", "inputs_digest", "package_index", "vendored"),
}

__all__ = [
    "LOCK",
    "Change",
    "Environment",
    "InstallReport",
    "Lock",
    "LockedPackage",
    "LockedWheel",
    "LookAlike",
    "RegistryState",
    "SyncState",
    "Wanted",
    "build_missing",
    "check",
    "compare",
    "flink_of",
    "inputs_digest",
    "install",
    "look_alikes",
    "package_index",
    "plan_install",
    "read_lock",
    "recorded",
    "resolve",
    "targets_of",
    "this_machine",
    "vendored",
    "why",
]

__getattr__ = lazily(__name__, _HOMES)
