"""Names and versions: of the distribution, its import package, and its folder of a skill.

A skill called ``pdf`` is packed as the distribution ``skill-pdf``. Skills have common words for
names, and those are taken on every index by packages that are no skills; what all packed skills
share stands in front, because a prefix is what search completes, what an index can keep for an
owner (PEP 752), and what a list of plugins that are let in can name.
"""

from __future__ import annotations

import keyword
import re
import sys
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from headrace_skills._text import has_hidden, one_line
from headrace_skills.packing.errors import PackingError

if TYPE_CHECKING:
    from headrace_skills._model import Skill

__all__ = ["PREFIX", "check_folder_name", "distribution_name", "package_name", "version_of"]

PREFIX = "skill"
_DISTRIBUTION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
# What is a folder everywhere, an entry point's name, and no option of a program.
_FOLDER = re.compile(r"\w(?:[\w .-]{0,198}\w)?")


def check_folder_name(name: str) -> str:
    """Give a skill's name back if a folder can have it on every system.

    Raises:
        PackingError: It cannot.
    """
    if not _FOLDER.fullmatch(name) or has_hidden(name):
        raise PackingError(
            f"the skill's name {one_line(name, 80)!r} cannot be a folder's on every system: take "
            "a-z, 0-9 and hyphens"
        )
    return name


def distribution_name(skill: str, *, name: str | None = None, prefix: str | None = None) -> str:
    """Give the normalised name of a skill's distribution.

    Args:
        skill: The skill's name.
        name: The distribution's, as its author wants it.
        prefix: What to put before the skill's name, with or without a hyphen at its end; empty
            for the skill's name alone.

    Raises:
        PackingError: It is no name of a distribution.
    """
    if name is None:
        front = (PREFIX if prefix is None else prefix).rstrip("-")
        wanted = re.sub(r"\s+", "-", f"{front}-{skill}" if front else skill)
    else:
        wanted = name
    if not _DISTRIBUTION.fullmatch(wanted) or len(wanted) > 200:  # noqa: PLR2004 - for file names
        raise PackingError(
            f"{one_line(wanted, 80)!r} is no name of a distribution: letters of ASCII, digits and "
            "single . _ - between them; give one by name (--name)"
        )
    return str(canonicalize_name(wanted))


def package_name(distribution: str, package: str | None = None) -> str:
    """Give the name of the import package that carries the skills.

    Raises:
        PackingError: Python could not import it, or it would hide a module of Python's own.
    """
    wanted = distribution.replace("-", "_").replace(".", "_") if package is None else package
    if not (wanted.isidentifier() and wanted.isascii()) or keyword.iskeyword(wanted):
        raise PackingError(
            f"{one_line(wanted, 80)!r} is no name of a package: give one by package (--package)"
        )
    if wanted in sys.stdlib_module_names:
        raise PackingError(
            f"a package {wanted!r} would hide Python's own: give another by package (--package)"
        )
    return wanted


def version_of(skill: Skill, version: str | None = None) -> str:
    """Give a skill's version, normalised: as it is given, else as its frontmatter says.

    Raises:
        PackingError: There is none, or it is not one of Python's versions (PEP 440).
    """
    said = version or skill.metadata.get("version") or skill.extra.get("version")
    if said is None:
        raise PackingError(
            f"the skill {skill.name!r} has no version: write it in the frontmatter (metadata, "
            'then version: "1.0.0"), or give one (--version 1.0.0)'
        )
    try:
        return str(Version(said))
    except (InvalidVersion, TypeError):
        raise PackingError(
            f"the version {one_line(str(said), 80)!r} is not one as PEP 440 has them: write "
            "1.2.0, 1.2.0rc1 or the like"
        ) from None
