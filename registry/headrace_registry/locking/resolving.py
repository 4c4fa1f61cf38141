"""Resolving: what is wanted, with what was locked before, becomes a lock.

uv resolves. What was locked keeps its version unless it must move: first everything is held, then
what stands in the way is let go, as little and as late as can be.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import Version

from headrace_registry.errors import ConflictError, LockError
from headrace_registry.locking.derivation import PROJECT
from headrace_registry.locking.exported import Unusable, lock_of
from headrace_registry.locking.ownership import Owners, owners_of, reachable
from headrace_registry.locking.scratch import scratch
from headrace_registry.locking.uv import UvResult, run_uv
from headrace_registry.locking.workspace import (
    LINKS,
    links_page,
    metadata,
    project_text,
    with_stubs,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager

    from packaging.requirements import Requirement

    from headrace_registry.locking.lock import Lock
    from headrace_registry.locking.wanted import Wanted

__all__ = ["Problem", "resolve", "unsolved"]

_TRIES = 12
"""How often something more is let go, or a version without a usable wheel is passed over."""


@dataclass(frozen=True)
class Problem:
    """What uv is asked, over and over, with this or that changed."""

    wanted: Wanted
    """The project."""
    owners: Owners
    """Which name is whose."""
    reachable: frozenset[str]
    """The names that catalogues say the requirements lead to."""
    page: str
    """The page of links."""
    offline: bool = False
    """Use no network."""
    stubs: tuple[tuple[str, str], ...] = ()
    """Names and versions that are taken to have a wheel that requires nothing: to find out more."""

    def ask(
        self,
        requirements: Sequence[Requirement] | None = None,
        constraints: Sequence[str] = (),
        *,
        offline: bool | None = None,
    ) -> tuple[UvResult, str]:
        """Resolves once; gives the result and the text of ``uv.lock``."""
        wanted = self.wanted
        with scratch() as folder, _credentials(wanted) as more:
            overrides = metadata(wanted, self.owners, self.reachable)
            overrides += [{"name": name, "version": version} for name, version in self.stubs]
            text = project_text(
                folder,
                wanted,
                requirements=wanted.requirements if requirements is None else requirements,
                constraints=constraints,
                overrides=overrides,
            )
            page = with_stubs(self.page, self.stubs)
            (folder / LINKS).write_text(page, encoding="utf-8")
            (folder / "pyproject.toml").write_text(text, encoding="utf-8")
            result = run_uv(
                ["export", "--format", "pylock.toml", "--no-header", "--python", sys.executable],
                folder=folder,
                index=wanted.index,
                offline=self.offline if offline is None else offline,
                more=more,
                project=True,
            )
            left = folder / "uv.lock"
            return result, left.read_text(encoding="utf-8") if left.is_file() else ""


def resolve(
    wanted: Wanted,
    *,
    before: Lock | None = None,
    upgrade: Collection[str] | None = (),
    offline: bool = False,
) -> Lock:
    """Makes the lock of a project.

    Args:
        wanted: What the project wants, with the registries' catalogues.
        before: The lock before: what it has keeps its version where that is possible.
        upgrade: Names that may move to newer versions; ``None``: everything.
        offline: Use no network, only what uv has in its cache.

    Raises:
        ConflictError: No versions fit together; it says why, and what settles it.
        LockError: uv failed otherwise, or gave something that must not be locked.
    """
    for one in wanted.requirements:
        if one.url is not None:
            raise LockError(
                f"{one.name} is required from an address ({one.url}), which no lock can keep to\n"
                f"  next: agents skills add {one.url}, and require {one.name} by its name"
            )
    movable = None if upgrade is None else {str(canonicalize_name(one)) for one in upgrade}
    problem = problem_of(wanted, before, movable, offline=offline)
    held = {} if before is None or movable is None else _held(before, movable)
    lock = _least_movement(problem, held)
    problem.owners.refuse_claimed(one.name for one in lock.packages)
    return lock


def problem_of(
    wanted: Wanted, before: Lock | None, movable: Collection[str] | None, *, offline: bool
) -> Problem:
    """What uv will be asked.

    Raises:
        ConflictError: A name could come from several registries.
    """
    owners = owners_of(wanted, before, movable)
    more = () if before is None else (one.name for one in before.packages)
    names = reachable(wanted, owners, more)
    owners.refuse_ambiguous(names)
    page = links_page(wanted, owners, _kept(wanted, before, movable))
    return Problem(wanted, owners, frozenset(names), page, offline)


def _kept(
    wanted: Wanted, before: Lock | None, movable: Collection[str] | None
) -> set[tuple[str, str]]:
    """What may be chosen although it was yanked: what is locked, and what is named exactly."""
    kept = {
        (str(canonicalize_name(one.name)), str(Version(part.version)))
        for one in wanted.requirements
        for part in one.specifier
        if part.operator == "==" and not part.version.endswith("*")
    }
    if before is not None and movable is not None:
        kept |= {(one.name, one.version) for one in before.packages if one.name not in movable}
    return kept


def _least_movement(problem: Problem, held: Mapping[str, tuple[str, ...]]) -> Lock:
    # Where targets have different versions there is no one version to hold it to.
    exact = {name: f"=={some[0]}" for name, some in held.items() if len(some) == 1}
    upward = {name: f">={some[0]}" for name, some in held.items()}
    failure: UvResult | None = None
    holding = dict(exact)
    for _ in range(_TRIES):
        found = _without_unusable(problem, _lines(holding))
        if not isinstance(found, UvResult):
            return _held_again(problem, found, holding, exact)
        failure = found
        # What is in the way may go up; what still is may go anywhere.
        named = {one for fact in found.facts for one in (fact.package, fact.other)} & set(holding)
        if not named:
            break
        for one in named:
            if holding[one] == upward[one]:
                del holding[one]
            else:
                holding[one] = upward[one]
    for rest in (upward, {}):
        if not held:
            break
        found = _without_unusable(problem, _lines(rest))
        if not isinstance(found, UvResult):
            return _held_again(problem, found, rest, exact)
        failure = found
    assert failure is not None  # noqa: S101 - for the type checker: the loop ran
    raise unsolved(problem, failure)


def _held_again(
    problem: Problem, lock: Lock, holding: Mapping[str, str], exact: Mapping[str, str]
) -> Lock:
    """Holds what need not have moved after all, one after the other."""
    locked = lock.versions()
    moved = [
        name
        for name, pin in sorted(exact.items())
        if holding.get(name) != pin and locked.get(name, (pin[2:],)) != (pin[2:],)
    ]
    kept = dict(holding)
    for name in moved[:_TRIES]:
        found = _without_unusable(problem, _lines({**kept, name: exact[name]}))
        if not isinstance(found, UvResult):
            kept[name] = exact[name]
            lock = found
    return lock


def _lines(holding: Mapping[str, str]) -> list[str]:
    return [name + versions for name, versions in sorted(holding.items())]


def _without_unusable(problem: Problem, constraints: Sequence[str]) -> Lock | UvResult:
    """Resolves, and passes over versions whose wheels no target can use."""
    passed: list[Unusable] = []
    for _ in range(_TRIES):
        result, left = problem.ask(
            constraints=[*constraints, *(f"{one.name}!={one.version}" for one in passed)]
        )
        if result.code != 0:
            if not result.unsolvable:
                raise LockError(failed(result))
            return result if not passed else replace(result, errors=_told(passed) + result.errors)
        found = lock_of(result.output, left, problem.wanted, problem.owners)
        if not isinstance(found, list):
            return found
        passed += found
    raise ConflictError(_told(passed))


def _told(passed: Sequence[Unusable]) -> str:
    return "".join(f"{one}\n" for one in passed)


def _held(before: Lock, movable: Collection[str]) -> dict[str, tuple[str, ...]]:
    return {name: versions for name, versions in before.versions().items() if name not in movable}


def failed(result: UvResult) -> str:
    """What to say of a run of uv that failed for another reason than a conflict."""
    text = result.errors.strip().replace(PROJECT, "this project")
    lines = [one for one in text.splitlines() if not one.startswith(("Using CPython", "warning"))]
    return "resolving failed: " + "\n  ".join(lines)


def unsolved(problem: Problem, failure: UvResult) -> ConflictError:
    """The conflict, explained."""
    from headrace_registry.locking.explaining import explain

    return explain(problem, failure)


def _credentials(wanted: Wanted) -> AbstractContextManager[Mapping[str, str]]:
    """Environment variables with which uv may read the registries' wheels."""
    registries = [one for one in wanted.settings.registries if not one.url.startswith("file:")]
    if not registries:
        return nullcontext({})
    from headrace_registry.client import netrc_for

    found: AbstractContextManager[Mapping[str, str]] = netrc_for(registries)
    return found
