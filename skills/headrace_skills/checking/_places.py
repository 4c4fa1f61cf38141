"""The skills of a place: a skill's folder, a folder of skills, or an archive."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from headrace_skills._shipped import CONVENTION
from headrace_skills.checking._check import check_skill
from headrace_skills.checking._report import Found, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_place"]

_ARCHIVES = (".zip", ".skill", ".whl")
_CALLED = ("skill.md", "skill.markdown")


def check_place(path: str | Path) -> Iterator[Report]:
    """Check all skills of a place, one after the other; what is wrong with one harms no other.

    Args:
        path: A skill's folder or its SKILL.md; a folder that holds skills, by themselves or in
            ``.agents/skills``; or a zip or a wheel with skills in it.
    """
    named = Path(path)
    if named.suffix.lower() in _ARCHIVES and named.is_file():
        yield from _of_archive(named)
    elif named.name.casefold() in _CALLED and named.is_file():
        yield check_skill(named.parent)
    else:
        yield from _of_folder(named)


def _of_folder(folder: Path) -> Iterator[Report]:
    if _is_skill(folder):
        yield check_skill(folder)
        return
    below = [one for holder in (folder, folder / CONVENTION) for one in _skills_in(holder)]
    if not below:
        yield check_skill(folder)  # which says that it has no SKILL.md
    for root in below:
        # A link out of the folder would let its author choose files of this machine.
        if root.resolve().is_relative_to(folder.resolve()):
            yield check_skill(root)
        else:
            message = "it is a link that leads out of the folder"
            yield _refused(root, "symlink-outside", message)


def _skills_in(holder: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(holder))  # noqa: PTH208
    except OSError:
        return []
    return [root for root in (holder / name for name in names) if _is_skill(root)]


def _is_skill(folder: Path) -> bool:
    """Tell whether a folder is meant to be a skill: also by a name written otherwise."""
    try:
        return any(name.casefold() in _CALLED for name in os.listdir(folder))  # noqa: PTH208
    except (OSError, ValueError):
        return False


def _of_archive(archive: Path) -> Iterator[Report]:
    from headrace_skills.packing import ArchiveError  # most are folders
    from headrace_skills.packing._unpacking import skill_homes, write_skill
    from headrace_skills.packing._zips import open_zip

    try:
        with TemporaryDirectory(prefix="headrace-check-") as folder, open_zip(archive) as opened:
            for name, home in skill_homes(opened, archive).items():
                root = Path(folder, name)
                write_skill(opened, home, root)
                yield check_skill(root, place=str(archive / home))
    except (ArchiveError, OSError) as error:
        yield _refused(archive, "archive", str(error))


def _refused(root: Path, rule: str, message: str) -> Report:
    found = Found(file="")
    found.add(rule, message, loads=False)
    return Report(root, str(root), root.name, found.in_order())
