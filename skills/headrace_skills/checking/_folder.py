"""The files of a skill: their names, links, and what they weigh."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace_skills._reading import MAX_FILES, SKILL_FILES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace_skills.checking._report import Found

__all__ = ["Listed", "check_folder"]

MAX_DEPTH = 32
LARGE = 50 * 1024 * 1024
_NOT_LOOKED_AT = ("__pycache__", ".git")


@dataclass(frozen=True, slots=True)
class Listed:
    """A regular file of a skill."""

    path: str
    """Its path in the folder, with slashes."""
    mode: int
    """Its mode."""
    size: int
    """Its bytes."""


def check_folder(root: Path, found: Found) -> tuple[Listed, ...]:
    """Look through the folder, and list its regular files by path."""
    files: list[Listed] = []
    real = os.path.realpath(root)
    for entry, path in _walk(root, found):
        if entry.is_symlink():
            _check_link(entry, path, real, found)
        elif entry.is_file(follow_symlinks=False):
            info = entry.stat(follow_symlinks=False)
            files.append(Listed(path, info.st_mode, info.st_size))
            if "/" in path and entry.name.casefold() == SKILL_FILES[0].casefold():
                message = f"{path} is a skill within this one"
                found.add("nested-skill", message, file=path)
    size = sum(file.size for file in files)
    if size > LARGE:
        message = f"the folder has {size // 1024**2:,} MiB, over {LARGE // 1024**2}"
        found.add("folder-size", message)
    return tuple(sorted(files, key=lambda one: one.path))


def _walk(root: Path, found: Found) -> Iterator[tuple[os.DirEntry[str], str]]:
    """The entries of a folder and of those below, bounded; links are not followed."""
    below = [("", 0)]
    count = 0
    while below:
        folder, depth = below.pop()
        try:
            with os.scandir(root / folder) as listing:
                entries = sorted(listing, key=lambda one: one.name)
        except OSError as error:
            message = f"{folder or 'the folder'} cannot be read: {error.strerror}"
            found.add("file-name", message, mend="give yourself the right to read it")
            continue
        _check_names(folder, [entry.name for entry in entries], found)
        for entry in entries:
            count += 1
            if count > MAX_FILES or depth > MAX_DEPTH:
                message = f"there are over {MAX_FILES:,} files, or over {MAX_DEPTH} levels"
                found.add("too-many-files", message)
                return
            path = folder + entry.name
            yield entry, path
            if entry.is_dir(follow_symlinks=False) and entry.name not in _NOT_LOOKED_AT:
                below.append((f"{path}/", depth + 1))


def _check_names(folder: str, names: list[str], found: Found) -> None:
    forms: dict[str, str] = {}
    for name in names:
        path = folder + name
        if not name.isprintable() or "\\" in name:
            found.add("file-name", f"no model can write the name {name!a}", file=path)
        other = forms.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
        if other != name:
            message = f"{folder}{other} and {path} are one name on some systems"
            found.add("case-collision", message, file=path)


def _check_link(entry: os.DirEntry[str], path: str, real: str, found: Found) -> None:
    leads = os.path.realpath(entry.path)
    if leads != real and not leads.startswith(real + os.sep):
        found.add("symlink-outside", f"{path} leads out of the skill's folder", file=path)
    elif not os.path.exists(leads):  # noqa: PTH110 - a text already
        found.add("symlink-broken", f"{path} leads to nothing", file=path)
