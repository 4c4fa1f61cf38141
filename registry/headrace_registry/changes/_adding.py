"""Adding packages: names from registries, and folders, zips, wheels and git repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from headrace_registry.changes._choosing import choose
from headrace_registry.changes._planning import make_plan
from headrace_registry.errors import SourceError
from headrace_registry.settings import INDEX, VENDOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace_registry.changes._choosing import Chosen
    from headrace_registry.changes._planning import Plan
    from headrace_registry.changes._project import Project
    from headrace_registry.locking import Lock
    from headrace_registry.sources import Collected

__all__ = ["plan_add"]


def plan_add(
    project: Project,
    names: Sequence[Requirement],
    collected: Sequence[Collected] = (),
    *,
    from_index: bool = False,
) -> Plan:
    """Plans that packages come in.

    Args:
        project: The project, refreshed.
        names: Packages, skills or plugins, with what is asked of their versions.
        collected: What was made of folders, zips, wheels and git repositories.
        from_index: Whether a name that no registry has may come from the package index.

    Raises:
        UnknownNameError: A name stands for no package, or for several.
        SourceError: A name of a source is one that something else has already.
        ConflictError: No set of versions meets what is asked.
        RegistryError: Something cannot be had, or is not what it should be.
    """
    catalogues = {name: one.catalogue for name, one in project.snapshots.items()}
    bound = {**_locked_origins(project.lock), **project.settings.bound}
    chosen = [choose(one, catalogues, bound=bound, from_index=from_index) for one in names]
    made = {str(canonicalize_name(one.name)): one for one in collected}
    for one in made.values():
        _check_free(one, project, bound)
    bare = {one.requirement.name for one in chosen if not one.requirement.specifier}

    def finish(text: str, lock: Lock) -> str:
        return _with_lower_bounds(project, text, lock, bare)

    after = project.saying(_asking(project, chosen, made))
    named = {one.requirement.name for one in chosen}
    return make_plan(
        project,
        after,
        collected=made,
        upgrade=named | set(made),
        finish=finish,
        notes=[f"{one.name}: {note}" for one in collected for note in one.notes],
    )


def _asking(project: Project, chosen: Sequence[Chosen], made: Mapping[str, Collected]) -> str:
    """The project's text, asking for the new packages and saying where they come from."""
    from headrace_registry.projects import edit, set_source

    wanted = [one.requirement for one in chosen]
    wanted += [_pinned(name, one.version) for name, one in made.items()]
    text = edit(project.file, project.text, add=wanted)
    for one in chosen:
        if one.origin not in (INDEX, VENDOR):
            text = set_source(text, one.requirement.name, one.origin)
    for name, source in made.items():
        text = set_source(text, name, source.source)
    return text


def _with_lower_bounds(project: Project, text: str, lock: Lock, bare: set[str]) -> str:
    """The text, where names without a version ask for what was found, or later."""
    from headrace_registry.projects import edit

    asked = {str(canonicalize_name(one.name)): one for one in project.saying(text).requirements}
    bounded = []
    for name in sorted(bare):
        package = lock.package(name)
        if package is not None and not asked[name].specifier:
            requirement = Requirement(str(asked[name]))
            requirement.specifier = SpecifierSet(f">={package.version.partition('+')[0]}")
            bounded.append(requirement)
    return edit(project.file, text, add=bounded) if bounded else text


def _pinned(name: str, version: str) -> Requirement:
    return Requirement(f"{name}=={version}")


def _locked_origins(lock: Lock | None) -> dict[str, str]:
    """Where each package was locked from: a name belongs to the place that it came from first."""
    return {} if lock is None else {one.name: one.origin for one in lock.packages}


def _check_free(one: Collected, project: Project, bound: Mapping[str, str]) -> None:
    """Refuses a source whose package's name is another place's.

    Raises:
        SourceError: With whose name it is, and what to do.
    """
    name = str(canonicalize_name(one.name))
    owner = bound.get(name)
    if owner is None:
        owner = next(
            (at for at, one in project.snapshots.items() if name in one.catalogue.by_name), None
        )
    if owner is not None and owner != VENDOR:
        place = "the package index" if owner == INDEX else f"the registry {owner}"
        raise SourceError(
            f"{one.spec}: its package is called {name}, and that is a package of {place}\n"
            f"  next: agents skills add {name}; or remove that first; or give the folder's skill "
            "another name"
        )
