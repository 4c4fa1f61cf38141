"""What of a project's requirements does not go together, and what would: tried, not guessed."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from headrace_registry.locking.derivation import PROJECT
from headrace_registry.locking.scratch import scratch
from headrace_registry.locking.uv import run_uv
from headrace_registry.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace_registry.locking.resolving import Problem
    from headrace_registry.locking.uv import UvResult

__all__ = ["Probe", "WayOut"]

_NOT_CACHED = ("network was disabled", "not found in the cache", "--offline", "offline")


@dataclass(frozen=True, slots=True)
class WayOut:
    """A change of one requirement with which all others hold; it was tried."""

    requirement: Requirement
    """Which one."""
    version: str | None
    """The version that it resolves to when any will do; ``None``: it is left out."""


@dataclass
class Probe:
    """Asks again and again, with less and less; no longer than is worth waiting for."""

    problem: Problem
    """What failed."""
    seconds: float = 40.0
    """How long it may go on."""
    _started: float = field(default_factory=time.monotonic)

    @property
    def over(self) -> bool:
        """Whether it took long enough."""
        return time.monotonic() - self._started > self.seconds

    def ask(self, requirements: Sequence[Requirement]) -> UvResult:
        """Resolves some requirements; from the cache, where that tells enough."""
        result, _ = self.problem.ask(requirements, offline=True)
        if result.code == 0 or self.problem.offline:
            return result
        if result.unsolvable and not any(one in result.errors for one in _NOT_CACHED):
            return result
        return self.problem.ask(requirements)[0]

    def with_stubs(self, pins: Sequence[str], requirements: Sequence[Requirement]) -> UvResult:
        """Resolves as if these (``NAME==VERSION``) had wheels, which require nothing."""
        pairs = tuple((name, version) for name, _, version in (one.partition("==") for one in pins))
        return replace(self.problem, stubs=pairs).ask(requirements)[0]

    def newest_source(self, name: str, ranges: Sequence[str]) -> str | None:
        """The newest source distribution of a package within some ranges; nothing of it is run."""
        lines = [name + ("" if one == "*" else one) for one in ranges if "|" not in one]
        with scratch() as folder:
            (folder / "name.in").write_text("\n".join(lines) + "\n", encoding="utf-8")
            # Without dependencies uv takes the version from the index, and builds nothing.
            arguments = ["--no-deps", "--no-binary", ":all:", "--no-header", "--no-annotate"]
            result = run_uv(
                ["pip", "compile", "name.in", *arguments],
                folder=folder,
                index=self.problem.wanted.index,
                offline=self.problem.offline,
            )
        found = re.search(r"(?m)^[A-Za-z0-9._-]+==(\S+)", result.output)
        return found[1] if found and result.code == 0 else None

    def smallest(self, failure: UvResult) -> list[Requirement]:
        """Requirements that conflict, none of which can be left out; all, if time runs out."""
        left = list(self.problem.wanted.requirements)
        named = {one.other for one in failure.facts if one.package == PROJECT}
        told = [one for one in left if canonicalize_name(one.name) in named]
        if told and len(told) < len(left) and self.ask(told).unsolvable:
            left = told
        for one in list(left):
            rest = [other for other in left if other is not one]
            if len(left) == 1 or self.over:
                break
            if self.ask(rest).unsolvable:
                left = rest
        return left

    def ways_out(self, conflicting: Sequence[Requirement]) -> list[WayOut]:
        """Which single changes settle all of it."""
        wanted = self.problem.wanted.requirements
        found = []
        for one in conflicting:
            if one.specifier and not self.over:
                free = Requirement(str(one))
                free.specifier = SpecifierSet()
                result = self.ask([free if other is one else other for other in wanted])
                if result.code == 0:
                    found.append(WayOut(one, _version_of(result.output, one.name)))
            if self.over:
                break
            if self.ask([other for other in wanted if other is not one]).code == 0:
                found.append(WayOut(one, None))
        return found


def _version_of(exported: str, name: str) -> str | None:
    wanted = canonicalize_name(name)
    entries = parse_toml(exported).get("packages", [])
    return next((str(one["version"]) for one in entries if one["name"] == wanted), None)
