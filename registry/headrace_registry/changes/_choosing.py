"""Which package a typed name stands for, and which registry it is taken from."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from headrace_registry.errors import RegistryError
from headrace_registry.settings import INDEX, VENDOR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace_registry.catalogue import Catalogue, Package

__all__ = ["Chosen", "UnknownNameError", "choose"]


class UnknownNameError(RegistryError):
    """A name that stands for no package, or for several."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A package that is to come in."""

    requirement: Requirement
    """What is asked of it; its name is the package's."""
    origin: str
    """The registry's name, or ``index``."""


def choose(
    asked: Requirement,
    catalogues: Mapping[str, Catalogue],
    *,
    bound: Mapping[str, str],
    from_index: bool = False,
) -> Chosen:
    """Finds the package of a name: a package's own name first, then a skill's or plugin's.

    Args:
        asked: What was typed; its name may be a package's, a skill's or a plugin's.
        catalogues: The approved registries' catalogues, by the registries' names.
        bound: For a package's name, where the project has it from.
        from_index: Whether a name that no registry has may be taken from the package index.

    Raises:
        UnknownNameError: No package has the name, several do, or the name is only reserved.
    """
    name = str(canonicalize_name(asked.name))
    origin = bound.get(name)
    if origin in (INDEX, VENDOR):
        return Chosen(_named(asked, name), str(origin))
    having = {
        registry: package
        for registry, catalogue in catalogues.items()
        if (package := catalogue.by_name.get(name)) and origin in (None, registry)
    }
    if having:
        return Chosen(_named(asked, name), _only(name, having))
    if origin is not None:
        raise UnknownNameError(
            f"{name} is bound to the registry {origin}, which does not have it\n"
            "  next: agents registry list; or take it out of [tool.agents.sources]"
        )
    carriers = _carriers(asked.name, catalogues)
    if len(carriers) == 1:
        ((registry, carrier),) = carriers
        return Chosen(_named(asked, carrier), registry)
    if carriers:
        shown = "\n".join(f"  {carrier}  (registry {at})" for at, carrier in carriers)
        raise UnknownNameError(
            f"{asked.name} is a skill or plugin of several packages; name one of them:\n{shown}"
        )
    if from_index:
        return Chosen(_named(asked, name), INDEX)
    raise _unknown(asked.name, catalogues)


def _named(asked: Requirement, name: str) -> Requirement:
    changed = Requirement(str(asked))
    changed.name = name
    return changed


def _only(name: str, having: Mapping[str, Package]) -> str:
    kept = {registry: package for registry, package in having.items() if package.reserved is None}
    if not kept:
        registry, package = next(iter(having.items()))
        raise UnknownNameError(
            f"{name}: the registry {registry} keeps this name, and has no package of it\n"
            f"  why: {package.reserved}"
        )
    if len(having) > 1:
        lines = "\n".join(f'  {name} = "{registry}"' for registry in having)
        raise UnknownNameError(
            f"several registries have {name}: {', '.join(having)}\n"
            f"  next: choose one in [tool.agents.sources] of pyproject.toml:\n{lines}"
        )
    return next(iter(kept))


def _carriers(name: str, catalogues: Mapping[str, Catalogue]) -> list[tuple[str, str]]:
    """The registries and packages whose newest release has a skill or plugin of a name."""
    return [
        (registry, package.name)
        for registry, catalogue in catalogues.items()
        for package in catalogue.packages
        if (release := package.newest) and any(one.name == name for one in release.provides)
    ]


def _unknown(name: str, catalogues: Mapping[str, Catalogue]) -> UnknownNameError:
    if not catalogues:
        return UnknownNameError(
            f"{name}: this project has no registry to find it in\n"
            "  next: agents registry add NAME URL; or add --index to take it from the package index"
        )
    names = {
        one
        for catalogue in catalogues.values()
        for package in catalogue.packages
        for one in (package.name, *_provided(package))
    }
    near = get_close_matches(name, sorted(names), 3)
    guess = f"  did you mean: {', '.join(near)}?\n" if near else ""
    return UnknownNameError(
        f"no package, skill or plugin is called {name} in: {', '.join(catalogues)}\n{guess}"
        "  next: agents skills search WORDS; or add --index to take it from the package index"
    )


def _provided(package: Package) -> tuple[str, ...]:
    release = package.newest
    return () if release is None else tuple(one.name for one in release.provides)
