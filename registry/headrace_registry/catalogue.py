"""The catalogue of a registry: every version of every package, with its plugins and skills.

It is one JSON file of the site, ``catalogue.json``. What reads it takes nothing on trust: types
are checked, and every text may be hostile where it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from headrace_registry.errors import CatalogueError
from headrace_registry.wheels import Provided  # noqa: TC001 - _reading reads the annotations
from headrace_skills.needs import Needs

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CATALOGUE",
    "FORMAT",
    "MAX_BYTES",
    "AuditFinding",
    "Catalogue",
    "Package",
    "Release",
    "ReleaseFile",
    "ReleaseSkill",
    "read_catalogue",
]

CATALOGUE = "catalogue.json"
"""Where it is in a site."""
FORMAT = 1
"""The version of its form."""
MAX_BYTES = 256 * 1024 * 1024
"""The largest catalogue that is read."""


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One finding of the audit that the registry made; see ``headrace_skills.audit.Finding``."""

    rule: str
    """The rule's id."""
    severity: str
    """``info``, ``low``, ``medium``, ``high`` or ``critical``."""
    file: str
    """The file, seen from the skill's folder."""
    line: int
    """Its line, from 1; 0 for the file as a whole."""
    reason: str
    """What it does, and why that matters."""


@dataclass(frozen=True, slots=True)
class ReleaseSkill:
    """A skill of a release."""

    name: str
    """What it is called by."""
    description: str
    """What it does and when to use it."""
    path: str
    """Its folder in the wheel."""
    digest: str
    """The digest of its contents, as ``headrace_skills.packing.Contents.digest`` makes it."""
    size: int
    """Its bytes."""
    files: int
    """How many files it has."""
    version: str = ""
    """The version that its frontmatter says, or nothing."""
    license: str = ""
    """Its licence, as written."""
    compatibility: str = ""
    """What it needs, in its author's words."""
    scripts: tuple[str, ...] = ()
    """The paths of its scripts."""
    needs: Needs = field(default_factory=Needs)
    """What it declares that it needs."""
    findings: tuple[AuditFinding, ...] = ()
    """What the audit found, the worst first."""
    broken: str = ""
    """Why it cannot be used; nothing where it can."""


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A wheel of a release."""

    filename: str
    """Its name; its place in the site is ``files/PACKAGE/FILENAME``."""
    size: int
    """Its bytes."""
    sha256: str
    """Its digest, in hexadecimal."""
    metadata_sha256: str
    """The digest of its METADATA, which stands beside it as ``FILENAME.metadata``."""
    uploaded: str
    """When it came into the registry: ``2026-11-21T20:15:00Z``."""


@dataclass(frozen=True, slots=True)
class Release:
    """A version of a package."""

    version: str
    """The version, in its normal form."""
    summary: str
    """One line on what it is."""
    license: str
    """The licence expression, or the older field's text."""
    requires_python: str
    """The Pythons that it is for, or nothing."""
    requires: tuple[str, ...]
    """What it requires (PEP 508), the same for all of its wheels."""
    extras: tuple[str, ...]
    """The extras that it has, normalised and sorted."""
    keywords: tuple[str, ...]
    """Words to find it by."""
    provides: tuple[Provided, ...]
    """Its plugins and skills, sorted: each one's kind, name and place."""
    skills: tuple[ReleaseSkill, ...]
    """Its skills, by name."""
    files: tuple[ReleaseFile, ...]
    """Its wheels, by name."""
    yanked: str | None = None
    """Why it is not to be chosen any more (it may be an empty text); ``None`` where it may be."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the registry."""

    name: str
    """Its normalised name."""
    releases: tuple[Release, ...]
    """Its versions, the newest first."""
    reserved: str | None = None
    """Why the name is kept without a version (a tombstone); ``None`` where it is a package."""

    def release(self, version: str) -> Release | None:
        """The release of a version (normalised)."""
        return next((one for one in self.releases if one.version == version), None)

    @property
    def newest(self) -> Release | None:
        """The newest final release that is not yanked, else the newest that is not yanked."""
        from packaging.version import Version

        there = [one for one in self.releases if one.yanked is None]
        final = (one for one in there if not Version(one.version).is_prerelease)
        return next(final, there[0] if there else None)


@dataclass(frozen=True)
class Catalogue:
    """All that a registry has."""

    title: str
    """What its keeper calls it."""
    packages: tuple[Package, ...]
    """Its packages, by name."""
    format: int = FORMAT
    """The version of the form."""

    @cached_property
    def by_name(self) -> dict[str, Package]:
        """The packages by their normalised names."""
        return {one.name: one for one in self.packages}

    def skills(self) -> Iterator[tuple[Package, Release, ReleaseSkill]]:
        """The skills of each package's newest release."""
        for package in self.packages:
            release = package.newest
            if release is not None:
                for skill in release.skills:
                    yield package, release, skill

    def as_json(self) -> bytes:
        """The file's bytes: the same for the same catalogue."""
        from headrace_registry._reading import writer

        return writer(Catalogue).to_json(self) + b"\n"


def read_catalogue(data: bytes) -> Catalogue:
    """Reads ``catalogue.json``.

    Raises:
        CatalogueError: It is no catalogue, or one of a later form.
    """
    from pydantic_core import ValidationError

    from headrace_registry._reading import reader

    if len(data) > MAX_BYTES:
        raise CatalogueError(f"the catalogue has {len(data)} bytes, more than {MAX_BYTES}")
    try:
        found: Catalogue = reader(Catalogue).validate_json(data, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise CatalogueError(f"this is no catalogue: {place}: {first['msg']}") from None
    if found.format > FORMAT:
        raise CatalogueError(
            f"the catalogue has the form {found.format}, and this headrace reads {FORMAT}: "
            "update headrace-registry"
        )
    return found
