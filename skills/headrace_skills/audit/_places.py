"""The skills of a place: a folder, a folder of them, or an archive that is not installed yet."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from headrace_skills._reading import skill_file_of
from headrace_skills.audit._audit import Rules, audit_skill
from headrace_skills.errors import SkillPathError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.audit._model import AuditReport

__all__ = ["audit_place"]

_ARCHIVES = (".zip", ".skill", ".whl")
_HOLDERS = ("", ".agents/skills")


def audit_place(path: str | Path, rules: Rules | None = None) -> Iterator[AuditReport]:
    """Audit all skills of a place, one after the other.

    Args:
        path: A skill's folder; a folder that holds skills, by themselves or in
            ``.agents/skills``; or a zip or a wheel with skills in it.
        rules: What to hold them against; ``Rules.builtin()`` if None.

    Raises:
        SkillPathError: There is nothing of that name, or no skill in it.
    """
    place = Path(path)
    if place.suffix.lower() in _ARCHIVES and place.is_file():
        yield from _of_archive(place, rules)
        return
    if place.is_file() and place.name.lower() == "skill.md":
        place = place.parent
    roots = [place] if skill_file_of(place) is not None else _below(place)
    if not roots:
        raise SkillPathError(f"there is no skill in {str(place)!r}: no SKILL.md, or one below")
    for root in roots:
        yield audit_skill(root, rules)


def _below(place: Path) -> list[Path]:
    found = []
    for holder in (place / one for one in _HOLDERS):
        try:
            names = sorted(os.listdir(holder))  # noqa: PTH208
        except OSError:
            continue
        found += [holder / name for name in names if skill_file_of(holder / name) is not None]
    return found


def _of_archive(archive: Path, rules: Rules | None) -> Iterator[AuditReport]:
    from headrace_skills.packing import ArchiveError  # most are folders
    from headrace_skills.packing._unpacking import skill_homes, write_skill
    from headrace_skills.packing._zips import open_zip

    try:
        with TemporaryDirectory(prefix="headrace-audit-") as folder, open_zip(archive) as opened:
            for name, home in skill_homes(opened, archive).items():
                root = Path(folder, name)
                write_skill(opened, home, root)
                yield replace(audit_skill(root, rules), root=archive / home)
    except ArchiveError as error:
        raise SkillPathError(f"{str(archive)!r} cannot be read: {error}") from None
