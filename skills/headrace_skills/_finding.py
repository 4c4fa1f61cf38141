"""All skills of an environment and of the folders that are named."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.plugins import normalise
from headrace_skills._installed import find_installed
from headrace_skills._model import BrokenSkill, Origin, Skill, SkillConflict, SkillSet
from headrace_skills._reading import read_skill, skill_file_of
from headrace_skills._shipped import CONVENTION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["find_skills"]

_PACKAGED = re.compile(r"(?P<package>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<below>.*)")
_SCANNED = 20_000  # entries of a folder
_ZIPS = (".zip", ".skill")


def find_skills(
    *,
    folders: Iterable[str | Path] = (),
    installed: bool = True,
    path: Sequence[str] | None = None,
    choose: Mapping[str, str] | None = None,
    allow: Iterable[str] | str | None = None,
    block: Iterable[str] | str | None = None,
) -> SkillSet:
    """Find skills. No code of a package is imported for it.

    What is wrong with a skill, a folder or a distribution is told in the answer, never raised.

    Args:
        folders: Folders that are a skill or hold skills, each a path or ``PACKAGE:FOLDER`` with
            an importable package; a ``.zip`` or ``.skill`` of such a folder stands for it. They
            count beside what is installed and do not hide it.
        installed: Whether to look at installed distributions: at their ``headrace.skills`` entry
            points, and at ``PACKAGE/.agents/skills/NAME/SKILL.md`` in their RECORD.
        path: Folders to look for distributions in; ``sys.path`` if None.
        choose: For a skill's name, the place to take it from: a distribution's name, or one of
            ``folders``.
        allow: Patterns of distributions or plugins (``skills.*``) to let in, as in
            ``headrace.plugins.discover``.
        block: Patterns to keep out.
    """
    chosen = choose or {}
    found: dict[Path, Skill] = {}
    broken: dict[tuple[Path, str], BrokenSkill] = {}
    sources: list[Iterator[Skill | BrokenSkill]] = [_of_folder(os.fspath(one)) for one in folders]
    if installed:
        sources.append(find_installed(path, allow, block))
    for source in sources:
        for one in source:
            if isinstance(one, BrokenSkill):
                broken.setdefault((one.root, one.name), one)
            else:
                # An entry point and the convention lead to one folder: that is one skill.
                found.setdefault(one.root, one)
    claims: dict[str, list[Skill]] = {}
    for skill in found.values():
        claims.setdefault(skill.name, []).append(skill)
    skills: list[Skill] = []
    conflicts: list[SkillConflict] = []
    for name, rivals in sorted(claims.items()):
        place = chosen.get(name)
        wanted = rivals if place is None else [one for one in rivals if _is_from(one, place)]
        if len(wanted) == 1:
            skills += wanted
        elif wanted:
            conflicts.append(SkillConflict(name, tuple(wanted)))
        else:
            have = " and ".join(one.source for one in rivals)
            reason = f"it is chosen from {place}, and only {have} has it"
            broken[rivals[0].root, name] = BrokenSkill(
                name, rivals[0].root, rivals[0].origin, reason
            )
    return SkillSet(tuple(skills), tuple(conflicts), tuple(broken.values()))


def _is_from(skill: Skill, place: str) -> bool:
    if skill.distribution is not None:
        return skill.distribution == normalise(place)
    return skill.place == place or os.path.realpath(skill.place) == os.path.realpath(place)


def _of_folder(named: str) -> Iterator[Skill | BrokenSkill]:
    origin = Origin(named)
    try:
        folder = _located(named)
    except LookupError as error:
        yield BrokenSkill(named, Path(named), origin, str(error.args[0]))
        return
    if folder.is_file():
        yield from _of_zip(folder, named, origin)
        return
    if skill_file_of(folder) is not None:
        yield read_skill(folder, origin)
        return
    base = folder.resolve()
    for holder in (folder, folder / CONVENTION):
        try:
            names = sorted(os.listdir(holder))[:_SCANNED]  # noqa: PTH208
        except OSError as error:
            if holder is folder:
                yield BrokenSkill(named, folder, origin, f"it cannot be read: {error.strerror}")
            continue
        inside = holder.resolve().is_relative_to(base)
        for name in names:
            child = holder / name
            if skill_file_of(child) is None:
                continue
            # A link within the folder is a second name for one skill. One that leads out of it
            # would let whoever wrote the folder choose files that nobody named.
            if inside and (not child.is_symlink() or child.resolve().is_relative_to(base)):
                yield read_skill(child, origin)
            else:
                yield BrokenSkill(name, child, origin, "it is a link that leads out of the folder")


def _of_zip(archive: Path, named: str, origin: Origin) -> Iterator[Skill | BrokenSkill]:
    from headrace_skills.packing import ArchiveError  # most have folders only
    from headrace_skills.packing._cache import folders_of_zip

    try:
        folders = folders_of_zip(archive)
    except (ArchiveError, OSError) as error:
        yield BrokenSkill(named, archive, origin, str(error))
        return
    for folder in folders:
        yield read_skill(folder, origin)


def _is_there(place: Path) -> bool:
    return place.is_dir() or (place.suffix.lower() in _ZIPS and place.is_file())


def _located(named: str) -> Path:
    """The folder, or the zip of one, that a path or ``PACKAGE:FOLDER`` names.

    Raises:
        LookupError: There is no such folder; the text says what was looked for.
    """
    match = _PACKAGED.fullmatch(named)
    if match is None:
        folder = Path(named)
        if not _is_there(folder):
            raise LookupError(f"there is no folder {str(folder.absolute())!r}")
        return folder
    top, *subpackages = match["package"].split(".")
    below = match["below"]
    if below.startswith("/") or ".." in below.split("/") or "\0" in below:
        raise LookupError(f"{below!r} leads out of the package {match['package']!r}")
    # Only the top package is asked for: to find a nested one, Python imports those above it.
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):  # ValueError: a module without a spec, such as __main__
        spec = None
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location, *subpackages, below)
        if _is_there(folder):
            return folder
    raise LookupError(
        f"there is no folder {below!r} in a package {match['package']!r}"
        if spec
        else f"there is no package {match['package']!r} to import"
    )
