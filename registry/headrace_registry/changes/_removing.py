"""Removing packages, and what only they needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from headrace_registry.changes._choosing import UnknownNameError
from headrace_registry.changes._moves import release_of
from headrace_registry.changes._planning import make_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace_registry.changes._planning import Plan
    from headrace_registry.changes._project import Project

__all__ = ["direct_package", "plan_remove"]


def plan_remove(project: Project, names: Sequence[str]) -> Plan:
    """Plans that packages go, and what nobody else needs with them.

    Args:
        project: The project, refreshed.
        names: Names of packages, or of their skills and plugins.

    Raises:
        UnknownNameError: The project does not ask for one of them.
        ConflictError: What stays cannot be met any more.
        RegistryError: Something cannot be had.
    """
    from headrace_registry.projects import edit, remove_source

    going = [direct_package(project, name) for name in names]
    text = edit(project.file, project.text, remove=going)
    for name in going:
        text = remove_source(text, name)
    return make_plan(project, project.saying(text))


def direct_package(project: Project, name: str) -> str:
    """The package that a project asks for itself, by its name or that of a skill or plugin of it.

    Raises:
        UnknownNameError: There is none; says who needs it, where it is needed by others.
    """
    package = str(canonicalize_name(name))
    if package in project.direct:
        return package
    locked = () if project.lock is None else project.lock.packages
    carriers = []
    for one in locked:
        release = release_of(project, one, None)
        if release is not None and any(part.name == name for part in release.provides):
            carriers.append(one.name)
    for carrier in carriers:
        if carrier in project.direct:
            return carrier
    needed = carriers[0] if carriers else package
    if project.lock is not None and project.lock.package(needed) is not None:
        raise UnknownNameError(_needed_by_others(project, needed))
    raise UnknownNameError(
        f"this project does not ask for {name}\n"
        f"  it asks for: {', '.join(sorted(project.direct)) or 'nothing'}"
    )


def _needed_by_others(project: Project, name: str) -> str:
    from headrace_registry.locking import why

    assert project.lock is not None  # noqa: S101 - for the type checker: the caller looked
    chains = why(project.lock, project.requirements, name)
    shown = "\n".join(f"  {' -> '.join(chain)}" for chain in chains[:5])
    first = chains[0][0] if chains else ""
    return (
        f"{name} is not asked for by this project itself; it is needed by:\n{shown}\n"
        f"  next: agents plugins remove {first}"
    )
