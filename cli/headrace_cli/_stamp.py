"""That a lock was found in keeping with its project: to find it so again nothing is parsed."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["is_stamped", "stamp"]

_FILE = ".headrace/locked"


def is_stamped(folder: Path) -> bool:
    """Whether nothing that a lock depends on changed since it was found in keeping."""
    try:
        return (folder / _FILE).read_text(encoding="ascii") == _digest(folder)
    except (OSError, UnicodeDecodeError):
        return False


def stamp(folder: Path) -> None:
    """Notes that the lock is in keeping; a folder that cannot be written to is left alone."""
    from contextlib import suppress

    from headrace_registry.errors import ProjectFileError
    from headrace_registry.projects import private_folder

    with suppress(OSError, ProjectFileError):
        private_folder(folder)
        draft = folder / f"{_FILE}.{os.getpid()}"
        draft.write_text(_digest(folder), encoding="ascii")
        draft.replace(folder / _FILE)


def _digest(folder: Path) -> str:
    """The digest of the project's file, its lock, its own wheels, and this machine and program."""
    from headrace_cli import __file__ as program

    digest = hashlib.sha256()
    for name in ("pyproject.toml", "pylock.toml"):
        digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    own = folder / "vendor"
    for path in sorted(own.iterdir()) if own.is_dir() else ():
        state = path.stat()
        digest.update(f"{path.name} {state.st_size} {state.st_mtime_ns}\n".encode())
    place = f"{folder} {sys.version_info[:2]} {sys.platform} {platform.machine()} {program}"
    digest.update(place.encode())
    return digest.hexdigest()
