"""Which of the skills that a source holds are meant."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from headrace_registry.errors import SourceError
from headrace_registry.sources._holding import homes_of
from headrace_registry.sources._values import FoundSkill
from headrace_skills import BrokenSkill, read_skill
from headrace_skills._reading import SKILL_FILES
from headrace_skills._text import one_line
from headrace_skills.packing import PackingError, contents_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from headrace_registry.sources._carriers import Carrier

__all__ = ["below", "choose", "find", "write_home"]

_SHOWN = 40


def find(carrier: Carrier, top: str, scratch: Path) -> list[FoundSkill]:
    """List the skills below a folder of a source; one that cannot be used is listed, too.

    Args:
        carrier: The source.
        top: The folder; empty for all.
        scratch: A folder to write to.
    """

    def read(path: str) -> bytes:
        place = scratch / "manifests" / str(len(list(scratch.glob("manifests/*"))))
        carrier.write({path: "manifest"}, place)
        return (place / "manifest").read_bytes()

    homes = homes_of(carrier.files, top, read)
    places = {home: f"{n}/{_leaf(home) or _plain(carrier.label)}" for n, home in enumerate(homes)}
    folder = scratch / "skills"
    failed = _write_skill_files(carrier, places, folder)
    return [
        FoundSkill(_leaf(home), "", home, failed[home])
        if home in failed
        else _read(folder / place, home)
        for home, place in places.items()
    ]


def _write_skill_files(carrier: Carrier, places: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Write the SKILL.md of each home; give the reasons for those that cannot be written."""
    paths = {
        home: {
            path: f"{place}/{name}"
            for name in SKILL_FILES
            if (path := f"{home}/{name}".lstrip("/")) in carrier.files
        }
        for home, place in places.items()
    }
    try:
        carrier.write({one: to for some in paths.values() for one, to in some.items()}, folder)
    except SourceError:
        shutil.rmtree(folder)
    else:
        return {}
    failed = {}
    for home, some in paths.items():  # one of them spoils it: which?
        try:
            carrier.write(some, folder)
        except SourceError as error:
            failed[home] = str(error)
    return failed


def _read(folder: Path, home: str) -> FoundSkill:
    skill = read_skill(folder)
    if isinstance(skill, BrokenSkill):
        return FoundSkill(one_line(skill.name, 80), "", home, skill.reason)
    return FoundSkill(skill.name, one_line(skill.description, 1024), home)


def choose(
    carrier: Carrier,
    found: Sequence[FoundSkill],
    wanted: Collection[str] | None,
    scratch: Path,
    *,
    every: bool,
) -> list[FoundSkill]:
    """The skills that are meant, each once.

    Raises:
        SourceError: It is not clear which are meant, or one is not there or cannot be used; lists
            what is there.
    """
    if wanted:
        chosen = [_named(carrier, found, name, scratch) for name in dict.fromkeys(wanted)]
    elif every or len(found) == 1:
        names = dict.fromkeys(one.name for one in found if not (every and one.broken))
        chosen = [_named(carrier, found, name, scratch) for name in names]
        if not chosen:
            raise SourceError(f"{carrier.label}: none of its skills can be used\n{_list(found)}")
    else:
        distinct = len({one.name for one in found})
        raise SourceError(
            f"{carrier.label} holds {distinct} skills\n{_list(found)}\n"
            "  next: choose with --skill NAME (more than once for several), or take them --all"
        )
    for one in chosen:
        if one.broken:
            raise SourceError(
                f"{carrier.label}: the skill {one.name!r} cannot be used: {one.broken}\n"
                f"  where: {one.home or 'its top'}"
            )
    return chosen


def write_home(carrier: Carrier, skill: FoundSkill, scratch: Path) -> Path:
    """Write the folder of a skill.

    Raises:
        SourceError: It cannot be had, or is too large.
    """
    number = len(list(scratch.glob("whole/*")))
    folder = scratch / "whole" / str(number) / (_leaf(skill.home) or _plain(skill.name))
    carrier.write(below(carrier, skill.home), folder)
    return folder


def below(carrier: Carrier, home: str) -> dict[str, str]:
    """The files below a folder, and their paths in it."""
    start = f"{home}/" if home else ""
    return {path: path[len(start) :] for path in carrier.files if path.startswith(start)}


def _named(carrier: Carrier, found: Sequence[FoundSkill], name: str, scratch: Path) -> FoundSkill:
    """The skill of a name: of copies, the first."""
    alike = [one for one in found if name == one.name]
    alike = alike or [one for one in found if name in (_leaf(one.home), one.home)]
    if not alike:
        from difflib import get_close_matches

        near = get_close_matches(name, [one.name for one in found], n=3, cutoff=0.6)
        then = f"\n  next: did you mean {' or '.join(near)}?" if near else ""
        raise SourceError(f"{carrier.label} holds no skill {name!r}\n{_list(found)}{then}")
    sound = [one for one in alike if not one.broken] or alike
    if len(sound) > 1 and len({_digest(carrier, one, scratch) for one in sound}) > 1:
        homes = "\n".join(f"         {one.home}" for one in sound)
        raise SourceError(
            f"{carrier.label} holds {len(sound)} skills {name!r}, which are not the same\n"
            f"  where: {homes.strip()}\n  next:  name one by its folder: --skill {sound[0].home}"
        )
    return sound[0]


def _digest(carrier: Carrier, skill: FoundSkill, scratch: Path) -> str:
    try:
        return contents_of(write_home(carrier, skill, scratch)).digest()
    except (PackingError, SourceError):
        return skill.home  # like no other


def _list(found: Sequence[FoundSkill]) -> str:
    names = dict.fromkeys((one.name, one.broken or one.description) for one in found)
    width = min(max((len(name) for name, _ in names), default=0), 30)
    lines = [f"  {name:<{width}}  {one_line(text, 70)}" for name, text in sorted(names)[:_SHOWN]]
    if len(names) > _SHOWN:
        lines.append(f"  and {len(names) - _SHOWN} more")
    return "\n".join(lines)


def _leaf(home: str) -> str:
    return home.rpartition("/")[2]


def _plain(said: str) -> str:
    """The last part of a name or an address, as a folder may be called."""
    last = said.rstrip("/").rpartition("/")[2]
    match = re.match(r"\w[\w-]*", last, re.ASCII)
    return match[0] if match else "skill"
