"""Zips as folders: unpacked once, under the digest of their bytes, and used from there."""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills.packing._unpacking import files_below, skill_homes, write_skill
from headrace_skills.packing._zips import open_zip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace_skills.packing._zips import Zip

__all__ = ["folders_of_zip"]

_private: dict[str, Path] = {}
"""Where zips were unpacked in this process alone, by their digests."""


def folders_of_zip(archive: Path) -> list[Path]:
    """Give the folders of the skills in a zip.

    They lie in the user's cache, or, where there is none, in a folder of this process that goes
    when it ends.

    Raises:
        ArchiveError: The zip is hostile, damaged, over the bounds, or holds no skill.
        OSError: There is no room to unpack it.
    """
    with open_zip(archive) as opened:
        homes = skill_homes(opened, archive)
        key = opened.sha256
        if "" in homes.values():
            # Such a skill may be called after the archive.
            key = sha256(f"{key}\0{next(iter(homes))}".encode()).hexdigest()
        folder = _shared(opened, homes, key) or _own(opened, homes, key)
    return [folder / name for name in homes]


def _base() -> Path | None:
    given = os.environ.get("HEADRACE_CACHE_DIR")
    if given:
        return Path(given).absolute() / "skills"
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not shared.is_absolute():  # a relative one counts for nothing, says the XDG specification
        try:
            shared = Path.home() / ".cache"
        except RuntimeError:
            return None
    return shared / "headrace" / "skills" if shared.is_absolute() else None


def _shared(opened: Zip, homes: Mapping[str, str], key: str) -> Path | None:
    """The folder in the user's cache; None where that is not to be had."""
    base = _base()
    if base is None:
        return None
    try:
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(base):
            return None
        folder = base / key
        if folder.is_dir() and _is_whole(opened, homes, folder):
            return folder
        staging = Path(tempfile.mkdtemp(prefix=f".{key[:8]}-", dir=base))
    except OSError:
        return None
    try:
        _write(opened, homes, staging / "new")
        try:
            (staging / "new").rename(folder)
        except OSError:
            # Another process was quicker, or there is what some cleaner left of it.
            if not _is_whole(opened, homes, folder):
                folder.rename(staging / "old")
                (staging / "new").rename(folder)
        return folder if _is_whole(opened, homes, folder) else None
    except OSError:
        return None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _own(opened: Zip, homes: Mapping[str, str], key: str) -> Path:
    known = _private.get(key)
    if known is not None and _is_whole(opened, homes, known):
        return known
    base = Path(tempfile.mkdtemp(prefix="headrace-skills-"))
    atexit.register(_remove, base, os.getpid())
    _write(opened, homes, base / "skills")
    _private[key] = base / "skills"
    return _private[key]


def _remove(folder: Path, owner: int) -> None:
    # A forked worker ends too, and its parent still reads.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _write(opened: Zip, homes: Mapping[str, str], folder: Path) -> None:
    folder.mkdir()
    for name, home in homes.items():
        write_skill(opened, home, folder / name)


def _is_ours(folder: Path) -> bool:
    info = folder.stat()
    others_may_write = stat.S_IWGRP | stat.S_IWOTH
    return info.st_uid == os.geteuid() and not info.st_mode & others_may_write


def _is_whole(opened: Zip, homes: Mapping[str, str], folder: Path) -> bool:
    """Tell whether all files are there, as long as they must be, and no others.

    Cleaners of caches remove the files that nobody read for a while.
    """
    wanted = {}
    for name, home in homes.items():
        for path, within in files_below(opened, home).items():
            entry = opened.entries[within]
            wanted[f"{name}/{path}"] = None if entry.link else entry.size
    found = {}
    for place, folders, names in os.walk(folder):
        folders[:] = (name for name in folders if name != "__pycache__")
        for name in names:
            path = os.path.join(place, name)  # noqa: PTH118
            found[os.path.relpath(path, folder)] = os.lstat(path).st_size
    return wanted.keys() == found.keys() and all(
        size is None or size == found[path] for path, size in wanted.items()
    )
