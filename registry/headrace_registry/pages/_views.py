"""What the templates show of a catalogue, worked out beforehand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace_registry.pages._markdown import MAX_BODY, Body, read_body
from headrace_registry.pages._text import kind_label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from headrace_registry.catalogue import Package, Release, ReleaseSkill
    from headrace_registry.wheels import Provided

__all__ = [
    "Ask",
    "Entry",
    "PackageView",
    "SkillView",
    "count_kinds",
    "entry_of",
    "other_plugins",
    "view_package",
]

MAX_TEXT = 500_000
"""The most characters of skills' texts on one page."""
SEVERITIES = ("critical", "high", "medium", "low", "info")


@dataclass(frozen=True, slots=True)
class Entry:
    """A package in a list of packages."""

    package: Package
    release: Release | None
    """The newest; ``None``: there is none to be had."""
    kinds: tuple[str, ...]
    """What it holds, for people."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One kind of things that a skill asks for."""

    label: str
    """What they are."""
    values: tuple[str, ...]
    """What it asks for, as it wrote it."""


@dataclass(frozen=True, slots=True)
class SkillView:
    """A skill on its package's page."""

    anchor: str
    skill: ReleaseSkill
    body: Body
    asks: tuple[Ask, ...]


@dataclass(frozen=True, slots=True)
class PackageView:
    """A package's page."""

    package: Package
    shown: Release | None
    """The release that the page is about: the newest, else the newest that was yanked."""
    there: bool
    """Whether that one may be chosen."""
    verb: str
    """``skills`` or ``plugins``: which command adds it."""
    kinds: tuple[str, ...]
    skills: tuple[SkillView, ...]
    plugins: tuple[tuple[str, Provided], ...]
    """Its other entry points, each with its kind's name."""
    verdicts: tuple[tuple[str, int], ...]
    """How many findings there are of each severity, the worst first."""
    unread: int
    """How many of its skills cannot be read, and so were not audited."""


def entry_of(package: Package) -> Entry:
    """A package for a list."""
    release = package.newest
    return Entry(package, release, _kinds(release) if release else ())


def other_plugins(release: Release) -> tuple[Provided, ...]:
    """What a release provides beside the skills that it describes."""
    known = {skill.name for skill in release.skills}
    return tuple(one for one in release.provides if one.kind != "skills" or one.name not in known)


def count_kinds(releases: Iterable[Release]) -> tuple[tuple[str, str, int], ...]:
    """How much there is of each kind: the kind, its name for people, the count; skills first."""
    counted: Counter[str] = Counter()
    for release in releases:
        counted["skills"] += len(release.skills)
        counted.update(one.kind for one in other_plugins(release))
    order = sorted(counted, key=lambda kind: (kind != "skills", kind))
    return tuple((kind, kind_label(kind), counted[kind]) for kind in order if counted[kind])


def view_package(
    package: Package, texts: Callable[[Package, Release, ReleaseSkill], str]
) -> PackageView:
    """A package for its page."""
    newest = package.newest
    release = newest or (package.releases[0] if package.releases else None)
    if release is None:
        return PackageView(package, None, False, "plugins", (), (), (), (), 0)
    has_skills = release.skills or any(one.kind == "skills" for one in release.provides)
    counted = Counter(finding.severity for skill in release.skills for finding in skill.findings)
    return PackageView(
        package=package,
        shown=release,
        there=newest is not None,
        verb="skills" if has_skills else "plugins",
        kinds=_kinds(release),
        skills=tuple(_skills(package, release, texts)),
        plugins=tuple((kind_label(one.kind), one) for one in other_plugins(release)),
        verdicts=_by_severity(counted),
        unread=sum(bool(skill.broken) for skill in release.skills),
    )


def _skills(
    package: Package,
    release: Release,
    texts: Callable[[Package, Release, ReleaseSkill], str],
) -> Iterable[SkillView]:
    left = MAX_TEXT
    for number, skill in enumerate(release.skills, 1):
        anchor = f"skill-{number}"
        if left <= 0:
            body = Body("", "Its text is not shown: this page would be too large.")
        else:
            text = texts(package, release, skill)
            left -= min(len(text), MAX_BODY)
            body = read_body(text, anchor)
        yield SkillView(anchor, skill, body, _asks(skill))


def _asks(skill: ReleaseSkill) -> tuple[Ask, ...]:
    needs = skill.needs
    asks = (
        Ask("Network hosts", needs.network),
        Ask("Environment variables", needs.environment),
        Ask("Programs", needs.commands),
        Ask("Python packages", needs.dependencies),
    )
    return tuple(one for one in asks if one.values)


def _kinds(release: Release) -> tuple[str, ...]:
    found = {one.kind for one in release.provides}
    if release.skills:
        found.add("skills")
    return tuple(kind_label(kind) for kind in sorted(found, key=lambda one: (one != "skills", one)))


def _by_severity(counted: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    known = [one for one in SEVERITIES if one in counted]
    return tuple((one, counted[one]) for one in (*known, *sorted(counted.keys() - set(known))))
