"""Small files of one user's that hold what was found out once, so that it need not be again.

What is wrong with them (no room, no right, another user's, cut short, made up) is the caller's to
pass over: the answer is then found afresh.
"""

# pathlib costs more than all the rest here.
# ruff: noqa: PTH100, PTH103, PTH105, PTH108, PTH111, PTH116, PTH117, PTH120, PTH123
from __future__ import annotations

import json
import os
import stat
import time
from contextlib import suppress
from typing import Any

__all__ = ["cache_folder", "load", "save"]

_MOST_FILES = 32
_MOST_BYTES = 4 << 20


def cache_folder(purpose: str) -> str:
    """Tell the folder for a purpose.

    Raises:
        ValueError: There is none to be told.
    """
    given = os.environ.get("HEADRACE_CACHE_DIR")
    if given:
        return f"{os.path.abspath(given)}/{purpose}"
    shared = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(shared):  # a relative one counts for nothing, says the XDG specification
        return f"{shared}/headrace/{purpose}"
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        raise ValueError("there is no home folder")
    return f"{home}/.cache/headrace/{purpose}"


def load(file: str) -> Any:
    """Read a file that only this user can have written.

    Raises:
        OSError: It is not there, or cannot be read.
        ValueError: It is another user's, or no JSON.
    """
    # Non-blocking, for a pipe laid there would wait for a writer for ever.
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        folder = os.stat(os.path.dirname(file))
        if not (stat.S_ISREG(found.st_mode) and _is_ours(found) and _is_ours(folder)):
            raise ValueError("not a cache file of this user")
        return json.loads(opened.read(_MOST_BYTES))


def save(file: str, content: Any) -> None:
    """Write a file, whole or not at all; the oldest of many go.

    Raises:
        OSError: It cannot be written.
        ValueError: It cannot be put as JSON.
    """
    data = json.dumps(content).encode()
    folder = os.path.dirname(file)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if len(data) > _MOST_BYTES or not _is_ours(os.stat(folder)):
        return
    draft = f"{file}.{os.getpid()}.{time.time_ns()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(draft, flags, 0o600), "wb") as opened:
        try:
            opened.write(data)
            opened.flush()
            os.replace(draft, file)
        except OSError:
            os.unlink(draft)
            raise
    _prune(folder)


def _is_ours(found: os.stat_result) -> bool:
    others_may_write = stat.S_IWGRP | stat.S_IWOTH
    return found.st_uid == os.geteuid() and not found.st_mode & others_may_write


def _prune(folder: str) -> None:
    """Remove the files that were written longest ago, drafts of killed processes among them."""
    with os.scandir(folder) as entries:
        files = [
            (entry.stat(follow_symlinks=False).st_mtime_ns, entry.path)
            for entry in entries
            if entry.name.endswith((".json", ".tmp"))
        ]
    for _, path in sorted(files)[: -_MOST_FILES or None]:
        with suppress(OSError):
            os.unlink(path)
