"""What was made of a source."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace_registry.settings import Source

if TYPE_CHECKING:
    from headrace_registry.wheels import Provided
    from headrace_skills.audit import AuditReport
    from headrace_skills.checking import Report
    from headrace_skills.needs import Needs

__all__ = ["Collected", "CollectedSkill", "FoundSkill"]


@dataclass(frozen=True, slots=True)
class FoundSkill:
    """A skill that a source holds."""

    name: str
    """What it is called by."""
    description: str
    """What it does and when to use it."""
    home: str
    """Its folder in the source; empty for the source itself."""
    broken: str = ""
    """Why it cannot be used; nothing where it can."""


@dataclass(frozen=True, slots=True)
class CollectedSkill:
    """A skill of a package that was made of a source, with all that is to be known of it."""

    name: str
    """What it is called by."""
    description: str
    """What it does and when to use it."""
    digest: str
    """The digest of its contents."""
    license: str
    """Its licence, as written; nothing where it says none."""
    files: tuple[str, ...]
    """Its files, by their paths in its folder."""
    size: int
    """Their bytes."""
    scripts: tuple[str, ...]
    """Those that are run."""
    needs: Needs
    """What it declares that it needs."""
    check: Report
    """What is wrong with it by the standard."""
    audit: AuditReport
    """What a person should look at."""
    left_out: tuple[str, ...] = ()
    """What lay in its folder and is not packed, each with the reason."""


@dataclass(frozen=True, slots=True)
class Collected:
    """A wheel that was made of a source, or was one; nothing is written yet."""

    name: str
    """The package's normalised name."""
    version: str
    """Its version."""
    filename: str
    """The wheel's name."""
    wheel: bytes = field(repr=False)
    """The wheel."""
    spec: str
    """Where it came from, exactly: this and no more gives the same again."""
    commit: str | None
    """For git: the commit that the reference stood for."""
    requires: tuple[str, ...]
    """What it requires."""
    provides: tuple[Provided, ...]
    """Its plugins and skills."""
    skills: tuple[CollectedSkill, ...] = ()
    """Its skills, by name."""
    notes: tuple[str, ...] = ()
    """What a person should know of it."""

    @property
    def digest(self) -> str:
        """The digest of the wheel, as a project records it."""
        return f"sha256:{hashlib.sha256(self.wheel).hexdigest()}"

    @property
    def source(self) -> Source:
        """What the project's ``[tool.agents.sources]`` says of it."""
        return Source(self.spec, self.digest, self.commit)
