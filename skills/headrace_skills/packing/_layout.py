"""Where in an archive the skills are, told from the names of its files."""

from __future__ import annotations

import configparser
import re
from typing import TYPE_CHECKING

from headrace_skills._reading import SKILL_FILES
from headrace_skills._shipped import CONVENTION

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MACS", "skills_of_wheel", "skills_of_zip"]

MACS = "__MACOSX/"
"""Where macOS puts what its own file system knows of the files of a zip."""

_MAX_DEEP = 8  # folders that hold nothing but the next one
_CONVENTION = re.compile(rf"(?:[^/]+/)+{re.escape(CONVENTION)}/[^/]+")
_VALUE = re.compile(r"([A-Za-z_][\w.]*)(?:\s*:\s*(\S.*))?")


def skills_of_zip(paths: Iterable[str]) -> list[str]:
    """List the folders of the skills in a zip: one, or those of a folder of skills.

    A skill may stand at the top (then its folder is empty), and folders that hold nothing but
    one more folder are passed through, as archives of a repository have them.
    """
    all_paths = [path for path in paths if not path.startswith(MACS)]
    homes = _homes(all_paths)
    heart = ""
    for _ in range(_MAX_DEEP):
        if heart in homes:
            return [heart]
        holders = (heart, f"{heart}/{CONVENTION}".lstrip("/"))
        found = sorted(home for home in homes if _parent(home) in holders)
        if found:
            return found
        start = f"{heart}/" if heart else ""
        below = {path[len(start) :].partition("/")[0] for path in all_paths}
        if len(below) != 1:
            break
        heart = start + below.pop()
    return []


def skills_of_wheel(paths: Iterable[str], entry_points: str) -> list[str]:
    """List the folders of the skills in a wheel, by the convention and by its entry points."""
    homes = _homes(paths)
    found = {home for home in homes if _CONVENTION.fullmatch(home)}
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names keep their case
    try:
        parser.read_string(entry_points)
        points = dict(parser["headrace.skills"])
    except (configparser.Error, KeyError):
        points = {}
    for name, value in points.items():
        match = _VALUE.fullmatch(value or "")
        if match is None:
            continue
        folder = "/".join(filter(None, (match[1].replace(".", "/"), match[2] or "")))
        for home in (folder, f"{folder}/{CONVENTION}/{name}", f"{folder}/{name}"):
            if home in homes:
                found.add(home)
                break
    # A skill's folder may hold others, as examples: they belong to it.
    return sorted(
        home for home in found if not any(home.startswith(f"{other}/") for other in found)
    )


def _homes(paths: Iterable[str]) -> set[str]:
    return {_parent(path) for path in paths if path.rpartition("/")[2] in SKILL_FILES}


def _parent(path: str) -> str:
    return path.rpartition("/")[0]
