"""Updating packages: newer versions from their registries, and new contents of their sources."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from headrace_registry.changes._diffs import skill_diffs
from headrace_registry.changes._moves import release_of, vendor_wheel
from headrace_registry.changes._planning import make_plan
from headrace_registry.changes._removing import direct_package
from headrace_registry.errors import RegistryError
from headrace_registry.settings import INDEX, VENDOR
from headrace_skills.packing import PackingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headrace_registry.changes._planning import Plan
    from headrace_registry.changes._project import Project
    from headrace_registry.changes._review import Move
    from headrace_registry.locking import LockedPackage
    from headrace_registry.sources import Collected

__all__ = ["plan_update"]


def plan_update(
    project: Project, names: Sequence[str], collect: Callable[[str], Collected]
) -> Plan:
    """Plans that packages move to the newest versions that the project's requirements let in.

    Args:
        project: The project, refreshed.
        names: Names of packages, skills or plugins; none: everything.
        collect: Reads a source of ``vendor/`` anew, by the package's name.

    Raises:
        UnknownNameError: The project does not ask for one of the names.
        ConflictError: No set of versions meets what is asked.
        RegistryError: Something cannot be had, or is not what it should be.
    """
    from headrace_registry.projects import edit, set_source
    from headrace_registry.sources import what_changed

    chosen = {direct_package(project, name) for name in names}
    renewed, notes = {}, []
    text = project.text
    there = project.wanted().vendor
    for name, source in project.settings.sources.items():
        if chosen and name not in chosen:
            continue
        found = collect(name)
        what = what_changed(source, found)
        if not what and name in there:
            continue
        renewed[name] = found
        notes += [f"{found.name}: {one}" for one in (what, *found.notes) if one]
        text = edit(project.file, text, add=[Requirement(f"{name}=={found.version}")])
        text = set_source(text, name, found.source)
    plan = make_plan(
        project,
        project.saying(text),
        collected=renewed,
        upgrade=chosen or None,
        notes=notes,
    )
    return replace(plan, review=replace(plan.review, diffs=_diffs(plan, renewed)))


def _diffs(plan: Plan, renewed: dict[str, Collected]) -> tuple[tuple[str, str], ...]:
    """The differences of the skills of all packages that change."""
    import tempfile
    from pathlib import Path

    found: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        for move in plan.review.moves:
            if move.kind in ("added", "removed"):
                continue
            new = None
            if move.name in renewed:
                new = Path(folder, renewed[move.name].filename)
                new.write_bytes(renewed[move.name].wheel)
            found += _of(move, plan, new)
    return tuple(found)


def _of(move: Move, plan: Plan, new: Path | None) -> list[tuple[str, str]]:
    had = None if plan.before.lock is None else plan.before.lock.package(move.name)
    got = plan.lock.package(move.name)
    try:
        before = None if had is None else _skill_wheel(plan.before, had, None)
        after = None if got is None else _skill_wheel(plan.after, got, new)
        return [] if before == after else skill_diffs(before, after)
    except (RegistryError, PackingError, OSError) as error:
        return [(move.name, f"the difference cannot be shown: {error}")]


def _skill_wheel(project: Project, package: LockedPackage, new: Path | None) -> Path | None:
    """The wheel of a package that has skills, fetched where it is not at hand."""
    if package.origin == INDEX:
        return None
    release = release_of(project, package, new)
    if release is None:
        raise RegistryError(f"{package.name} {package.version} is gone from {package.origin}")
    if not release.skills:
        return None
    if package.origin == VENDOR:
        return new or vendor_wheel(project, package)
    return project.clients[package.origin].fetch(package.name, release.files[0])
