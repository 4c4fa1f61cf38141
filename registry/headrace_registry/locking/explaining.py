"""A conflict in the project's words: who asks for what, through whom, and what settles it."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from headrace_registry.errors import ConflictError
from headrace_registry.locking.derivation import PROJECT, Fact
from headrace_registry.locking.probing import Probe, WayOut
from headrace_registry.locking.targets import targets_of
from headrace_registry.locking.wanted import text_of
from headrace_registry.settings import INDEX, VENDOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.requirements import Requirement

    from headrace_registry.locking.resolving import Problem
    from headrace_registry.locking.uv import UvResult

__all__ = ["ExplainedConflictError", "explain"]

_DEMANDS = 6
_LINES = 30
_SOURCE_ONLY = "no usable wheels"
_PYTHON = "python"
_NOWHERE = "not found in the package registry"


class ExplainedConflictError(ConflictError):
    """A conflict with what was found out about it.

    Attributes:
        requirements: The project's requirements that do not go together.
        ways: What was tried and settles it.
    """

    def __init__(
        self, text: str, requirements: tuple[Requirement, ...], ways: tuple[WayOut, ...]
    ) -> None:
        super().__init__(text)
        self.requirements = requirements
        self.ways = ways


def explain(problem: Problem, failure: UvResult) -> ExplainedConflictError:
    """Finds out what conflicts, and what would settle it."""
    probe = Probe(problem)
    smallest = probe.smallest(failure)
    if len(smallest) < len(problem.wanted.requirements):
        again = probe.ask(smallest)
        failure = again if again.facts else failure
    ways = probe.ways_out(smallest)
    clash = " and ".join(text_of(one) for one in smallest)
    head = f"{clash} do not go together" if len(smallest) > 1 else f"{clash} cannot be had"
    clashes = list(_clashes(failure.facts))
    missing = _missing(problem, _told(failure.facts) if clashes else failure.facts)
    reasons = list(dict.fromkeys((*missing, *clashes)))
    nexts = [_way(problem, one) for one in ways]
    if pins := _all_to_build(probe, failure, smallest):
        listed = ", ".join(f'"{one}"' for one in (*problem.wanted.settings.build, *pins))
        nexts.insert(0, f"if you trust their source, write into [tool.agents]: build = [{listed}]")
    parts = (
        ("why", reasons),
        ("next", nexts or ["change one of them; no single change that was tried settles it"]),
        ("uv", _said(failure.errors)),
    )
    lines = [head]
    for name, some in parts:
        lines += [
            f"  {name + ':' if not number else '':<7}{line}"
            for number, line in enumerate(line for text in some for line in text.splitlines())
        ]
    # Names, reasons and uv's text may come from strangers.
    plain = "\n".join("".join(c if c.isprintable() else "?" for c in one) for one in lines)
    return ExplainedConflictError(plain, tuple(smallest), tuple(ways))


def _told(facts: Sequence[Fact]) -> list[Fact]:
    """Of a clash: without the versions that are passed over by the way."""
    return [one for one in facts if not one.why.startswith(_SOURCE_ONLY)]


def _clashes(facts: Sequence[Fact]) -> Iterator[str]:
    """Of each package that several ask for, who asks for which versions."""
    demands: dict[str, list[Fact]] = {}
    for one in facts:
        if one.kind == "requires":
            demands.setdefault(one.other, []).append(one)
    for name, asking in demands.items():
        if len({one.package for one in asking}) > 1:
            yield f"{name} is asked for by"
            firsts = {one.package: one for one in reversed(asking)}.values()
            asking.sort(key=lambda one: one not in firsts)
            for one in asking[:_DEMANDS]:
                yield f"  {_who(one, facts)}: {_range(one.other_versions)}"
            if len(asking) > _DEMANDS:
                yield f"  and by {len(asking) - _DEMANDS} more versions of these"


def _who(fact: Fact, facts: Sequence[Fact]) -> str:
    if fact.package == PROJECT:
        return "the project"
    through = _chain(fact.package, facts)
    own = f"{fact.package} {_range(fact.versions)}".removesuffix(" any version")
    return own + (f", through {' and '.join(through)}" if through else "")


def _chain(name: str, facts: Sequence[Fact]) -> list[str]:
    """The packages through which the project needs one, nearest to the project first."""
    chain: list[str] = []
    while True:
        above = [one.package for one in facts if one.kind == "requires" and one.other == name]
        fresh = [one for one in above if one not in chain]
        if not fresh or PROJECT in above:
            return chain[::-1]
        name = fresh[0]
        chain.append(name)


def _missing(problem: Problem, facts: Sequence[Fact]) -> Iterator[str]:
    """Of each package that cannot be had: why."""
    wanted = problem.wanted
    facts = _without_tombstones(problem, facts)
    for one in facts:
        if one.kind == "requires":
            if one.other == _PYTHON:
                what = f"{one.package} {_range(one.versions)}{_through(one.package, facts)}"
                targets = " and ".join(map(str, targets_of(wanted.settings)))
                yield f"{what} is for Python {one.other_versions}; locked is for {targets}"
            continue
        if one.package == _PYTHON or (one.kind == "none" and _is_gap(one, facts)):
            continue
        name, owner = one.package, problem.owners.of(one.package)
        snapshot = wanted.snapshots.get(owner)
        package = snapshot.catalogue.by_name.get(name) if snapshot is not None else None
        what = f"{name} {_range(one.versions)}".removesuffix(" any version")
        who = _through(name, facts)
        if package is not None and package.reserved is not None and not package.releases:
            yield f"{name} is a name that {owner} keeps, without a package: {package.reserved}"
        elif one.why.startswith(_NOWHERE):
            yield f"there is no package {name}{who}: no registry has it, and not the package index"
            yield from _similar(problem, name)
        elif one.why.startswith(_SOURCE_ONLY):
            yield f"{what}{who} exists as source only, and nothing is built unless you say so"
        elif "compatible wheels" in one.why or "Python version tag" in one.why:
            yield f"{what}{who} has no wheel for {_targets_of(problem, one.why)}"
        elif one.kind == "unusable" and one.why:
            yield f"{what}{who}: {one.why}"
        elif owner not in (INDEX, VENDOR) and package is None:
            yield f"{name}{who} belongs to {owner}, which has no such package"
            yield from _similar(problem, name)
        elif package is not None:
            yield f"{owner} has no {what}{who}: it has {_versions(package.releases)}"
        elif owner == VENDOR and not wanted.vendor.get(name):
            yield f"{name}{who} is to come from vendor/, where it has no wheel"
        else:
            yield f"there is no version {what}{who}"


def _without_tombstones(problem: Problem, facts: Sequence[Fact]) -> list[Fact]:
    """The facts, where of a name that is only kept from the index there is none but that."""
    kept: dict[str, Fact] = {}
    for name in {one.package for one in facts if one.package not in (PROJECT, _PYTHON)}:
        owner = problem.owners.of(name)
        snapshot = problem.wanted.snapshots.get(owner)
        package = snapshot.catalogue.by_name.get(name) if snapshot is not None else None
        there = package is not None and any(one.yanked is None for one in package.releases)
        there = there or (owner == VENDOR and bool(problem.wanted.vendor.get(name)))
        if owner != INDEX and not there:
            kept[name] = Fact("none", name, "*")
    return [one for one in facts if one.package not in kept] + [kept[one] for one in sorted(kept)]


def _is_gap(fact: Fact, facts: Sequence[Fact]) -> bool:
    """Whether versions that are missing are only what is around those that something is said of."""
    return any(one.package == fact.package and one.kind != "none" for one in facts)


def _through(name: str, facts: Sequence[Fact]) -> str:
    chain = _chain(name, facts)
    return f" (needed by {', '.join(chain[::-1])})" if chain else ""


def _similar(problem: Problem, name: str) -> Iterator[str]:
    known: dict[str, str] = {}
    for snapshot in problem.wanted.snapshots.values():
        for package, _, skill in snapshot.catalogue.skills():
            known[skill.name] = package.name
        for package in snapshot.catalogue.packages:
            if package.releases:
                known[package.name] = package.name
    near = [known[one] for one in get_close_matches(name, known, 3, 0.75)]
    if near:
        yield f"did you mean {' or '.join(dict.fromkeys(near))}?"


def _versions(releases: Sequence[object]) -> str:
    told = [
        f"{getattr(one, 'version', '')}"
        + (" (yanked)" if getattr(one, "yanked", None) is not None else "")
        for one in releases[:_DEMANDS]
    ]
    return ", ".join(told) or "none"


def _targets_of(problem: Problem, why: str) -> str:
    """The target that uv means by an environment's marker."""
    targets = targets_of(problem.wanted.settings)
    machines = {"x86_64": "amd64", "aarch64": "linux/arm64", "arm64": "macos/arm64"}
    for machine, name in machines.items():
        if f"'{machine}'" in why:
            found = [one for one in targets if one.platform.endswith(name)]
            python = re.search(r"'(3\.\d+)", why)
            named = [one for one in found if python and one.python == python[1]] or found
            return " and ".join(map(str, named))
    return " and ".join(map(str, targets))


def _to_build(facts: Sequence[Fact]) -> list[str]:
    """The packages that would have to be built, where nothing else is wrong with them."""
    # Something is known of what versions with a wheel require: another version may do.
    other = {one.package for one in facts if one.kind == "requires"}
    other |= {one.package for one in facts if one.why and not one.why.startswith(_SOURCE_ONLY)}
    found = [one.package for one in facts if one.why.startswith(_SOURCE_ONLY)]
    return [] if any(_clashes(facts)) else [one for one in found if one not in other]


def _all_to_build(
    probe: Probe, failure: UvResult, requirements: Sequence[Requirement]
) -> list[str]:
    """What would have to be built, as pins: each is passed over to find the next."""
    found: dict[str, str] = {}
    while fresh := [one for one in _to_build(failure.facts) if one not in found]:
        for name in fresh:
            asked = [one.other_versions for one in failure.facts if one.other == name]
            version = probe.newest_source(name, asked)
            if version is None or probe.over:
                return list(found.values())
            found[name] = f"{name}=={version}"
        failure = probe.with_stubs(list(found.values()), requirements)
    return list(found.values())


def _way(problem: Problem, way: WayOut) -> str:
    requirement = way.requirement
    name = str(canonicalize_name(requirement.name))
    noun = _noun(problem, name)
    if way.version is None:
        command = (
            f"agents {noun} remove {name}" if noun else "take it out of [project] dependencies"
        )
        return f"it works without {name}: {command}"
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    pin = f"{name}{extras}=={way.version}"
    command = f"agents {noun} add '{pin}'" if noun else f'write "{pin}" into [project] dependencies'
    return f"it works with {name} {way.version}: {command}"


def _noun(problem: Problem, name: str) -> str:
    """``skills`` or ``plugins``, whichever a registry's package brings; nothing for others."""
    snapshot = problem.wanted.snapshots.get(problem.owners.of(name))
    package = snapshot.catalogue.by_name.get(name) if snapshot is not None else None
    if package is None or package.newest is None:
        return "skills" if problem.owners.of(name) == VENDOR else ""
    kinds = {one.kind for one in package.newest.provides}
    return "skills" if kinds == {"skills"} or package.newest.skills else "plugins" * bool(kinds)


def _range(versions: str) -> str:
    """A range of versions, shortened where it has gaps."""
    if versions == "*":
        return "any version"
    parts = versions.split(" | ")
    if all(one.startswith("==") for one in parts):
        return ", ".join(one.removeprefix("==") for one in parts)
    if len(parts) == 1:
        return versions
    first, last = parts[0].split(", ")[0], parts[-1].split(", ")[-1]
    return f"{first}, {last} (with gaps)" if first != last else f"{first} (with gaps)"


def _said(errors: str) -> list[str]:
    """The text of uv, without its advice, such as to look for packages everywhere."""
    text = errors.replace(f"{PROJECT}==0", "this project").replace(PROJECT, "this project")
    kept = [
        one
        for one in text.splitlines()
        if one.strip() and not one.startswith(("Using ", "warning:", "hint:"))
    ]
    more = [f"... and {len(kept) - _LINES} lines more"] if len(kept) > _LINES else []
    return [*kept[:_LINES], *more]
