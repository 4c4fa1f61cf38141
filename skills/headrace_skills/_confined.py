"""Files of a folder, opened so that no path leads out of it.

A path is first resolved and held against the folder, so that a link within the folder works. The
resolved path is then walked down folder by folder without following any link: what was put in
the way between the two steps is not followed either.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace_skills.errors import SkillPathError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Content", "parts_of", "read_beneath", "read_child", "resolve_beneath"]

MAX_PATH = 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: a named pipe that nobody writes to would hold up whoever opens it.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Content:
    """What was read of a file."""

    data: bytes
    """Its first bytes, up to the limit."""
    size: int
    """How many bytes it has."""


def parts_of(path: str) -> tuple[str, ...]:
    """Take a relative path apart.

    Raises:
        SkillPathError: It is not a plain relative path.
    """
    # A backslash is a legal character of a name, but no one means it as such.
    if not path or len(path) > MAX_PATH or "\0" in path or "\\" in path:
        raise SkillPathError(f"{path[:80]!r} is not the path of a file")
    try:
        path.encode()
    except UnicodeEncodeError:
        raise SkillPathError(f"{path[:80]!r} is not the path of a file") from None
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if path.startswith("/") or ".." in parts or not parts:
        raise SkillPathError(
            f"{path!r} is not a path within the skill's folder: give it relative, without .."
        )
    return parts


def resolve_beneath(root: Path, path: str) -> Path:
    """Give the file that a relative path leads to, with no link in it.

    Raises:
        SkillPathError: The path leads out of the folder, or to nothing.
    """
    joined = root.joinpath(*parts_of(path))
    try:
        found = joined.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        raise SkillPathError(f"there is no file {path!r}") from None
    if not found.is_relative_to(root.resolve()):
        raise SkillPathError(f"{path!r} is a link that leads out of the skill's folder")
    return found


def read_beneath(root: Path, path: str, limit: int) -> Content:
    """Read the first bytes of a file in a folder.

    Raises:
        SkillPathError: The path leads out of the folder, or to no regular file.
    """
    found = resolve_beneath(root, path)
    base = root.resolve()
    try:
        descriptor = _open(base, found.relative_to(base).parts)
    except OSError as error:
        raise SkillPathError(f"{path!r} cannot be opened: {error.strerror}") from None
    return _content(descriptor, path, limit)


def read_child(root: Path, name: str, limit: int) -> Content:
    """Read the first bytes of a file that stands right in a folder; quicker than a path's.

    Args:
        root: The folder, with no link in its path.
        name: The file's name, which was found there.
        limit: How many bytes.

    Raises:
        SkillPathError: It is no regular file any more, or a link that leads out.
    """
    try:
        descriptor = os.open(os.path.join(root, name), _FILE)  # noqa: PTH118 - half the time
    except OSError:
        return read_beneath(root, name, limit)  # a link within the folder, or an error with words
    return _content(descriptor, name, limit)


def _content(descriptor: int, path: str, limit: int) -> Content:
    info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode):
        os.close(descriptor)
        raise SkillPathError(f"{path!r} is not a file")
    with os.fdopen(descriptor, "rb") as file:
        try:
            return Content(file.read(limit), info.st_size)
        except OSError as error:
            raise SkillPathError(f"{path!r} cannot be read: {error.strerror}") from None


def _open(base: Path, parts: tuple[str, ...]) -> int:
    folder = os.open(base, _FOLDER)
    try:
        for part in parts[:-1]:
            below = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(parts[-1] if parts else ".", _FILE, dir_fd=folder)
    finally:
        with suppress(OSError):
            os.close(folder)
