"""The values of this package: a skill, a broken one, and what a set of them is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace_skills.errors import SkillBrokenError, SkillConflictError, SkillNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["BrokenSkill", "Origin", "Skill", "SkillConflict", "SkillFile", "SkillSet"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a skill was found."""

    place: str
    """What ``choose`` calls it: a distribution's normalised name, or a folder."""
    distribution: str | None = None
    """The distribution that ships it; None for one of a folder."""
    version: str | None = None
    """That distribution's version."""

    def __str__(self) -> str:
        if self.distribution is None:
            return f"the folder {self.place}"
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True, slots=True)
class SkillFile:
    """A file of a skill."""

    path: str
    """Its path in the skill's folder, with slashes."""
    size: int
    """Its bytes."""


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill, as its frontmatter and its folder tell. Its body is read when it is asked for."""

    name: str
    """What it is called by."""
    description: str
    """What it does and when to use it, in its author's words."""
    root: Path
    """Its folder, absolute, with no link in the path."""
    file: str
    """``SKILL.md``, or ``skill.md``."""
    origin: Origin
    """Where it was found."""
    license: str | None = None
    """Its licence, as written."""
    compatibility: str | None = None
    """What it needs, in its author's words."""
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Clients' own keys; every scalar is a text, as in YAML it is written."""
    allowed_tools: tuple[str, ...] = ()
    """The tools that it asks to use without being asked about them."""
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Fields that the standard does not know."""
    files: tuple[SkillFile, ...] = field(default=(), repr=False)
    """The files of its folder, by path."""
    warnings: tuple[str, ...] = ()
    """What is not as the standard has it, and did not stand in the way."""

    @property
    def source(self) -> str:
        """Where it comes from, for people to read."""
        return str(self.origin)

    @property
    def place(self) -> str:
        """What ``choose`` calls the place where it was found."""
        return self.origin.place

    @property
    def distribution(self) -> str | None:
        """The normalised name of the distribution that ships it; None for one of a folder."""
        return self.origin.distribution

    @property
    def version(self) -> str | None:
        """The version of that distribution."""
        return self.origin.version


@dataclass(frozen=True, slots=True)
class BrokenSkill:
    """Something that should be a skill, and what stands in its way."""

    name: str
    """Its name, as far as it can be told."""
    root: Path
    """Its folder, as far as it can be told."""
    origin: Origin
    """Where it was found."""
    reason: str
    """What is wrong, in one sentence."""

    @property
    def source(self) -> str:
        """Where it comes from, for people to read."""
        return str(self.origin)


@dataclass(frozen=True, slots=True)
class SkillConflict:
    """One name that several places claim."""

    name: str
    """The name."""
    claims: tuple[Skill, ...]
    """The skills that have it; none of them is in the set."""

    @property
    def error(self) -> SkillConflictError:
        """What is raised when the name is asked for."""
        return SkillConflictError(self.claims)


@dataclass(frozen=True, slots=True)
class SkillSet:
    """The skills that were found at one moment."""

    skills: tuple[Skill, ...] = ()
    """Those that can be used, by name."""
    conflicts: tuple[SkillConflict, ...] = ()
    """Names that several places claim, by name."""
    broken: tuple[BrokenSkill, ...] = ()
    """What should be a skill and cannot be used."""

    def __iter__(self) -> Iterator[Skill]:
        return iter(self.skills)

    def __len__(self) -> int:
        return len(self.skills)

    def get(self, name: str) -> Skill:
        """Give the skill of a name.

        Raises:
            SkillConflictError: Several places have one of that name.
            SkillBrokenError: It was found, and cannot be used.
            SkillNotFoundError: There is none.
        """
        for skill in self.skills:
            if skill.name == name:
                return skill
        for conflict in self.conflicts:
            if conflict.name == name:
                raise conflict.error
        for broken in self.broken:
            if broken.name == name:
                raise SkillBrokenError(broken)
        raise SkillNotFoundError(name, [skill.name for skill in self.skills])
