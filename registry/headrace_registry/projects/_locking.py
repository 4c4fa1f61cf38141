"""One command at a time changes a project."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from headrace_registry.errors import BusyError
from headrace_registry.projects._writing import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["project_lock"]

_MAX = 4096


@contextmanager
def project_lock(project: Path, *, wait: float = 10.0, what: str | None = None) -> Iterator[None]:
    """Hold a project for oneself.

    Args:
        project: Its folder.
        wait: How many seconds another command is waited for.
        what: What is being done, for others to read; this process's command line if None.

    Raises:
        BusyError: Another command holds it still; says which.
        ProjectFileError: The project's folder cannot be written to.
    """
    from filelock import FileLock, Timeout

    home = private_folder(project)
    holder = home / "lock.json"
    try:
        with FileLock(home / "lock", timeout=wait):
            doing = what or " ".join(["agents", *sys.argv[1:]])
            said = {"process": os.getpid(), "what": doing[:400], "since": time.time()}
            holder.write_text(json.dumps(said))
            try:
                yield
            finally:
                holder.unlink(missing_ok=True)
    except Timeout:
        raise BusyError(
            f"another command changes this project: {_who(holder)}\n"
            f"  where: {project}\n"
            "  next: wait for it, or end it, and type the same once more"
        ) from None


def _who(holder: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads(holder.read_bytes()[:_MAX])
        ago = max(0, round(time.time() - float(said["since"])))
        what = "".join(one if one.isprintable() else "?" for one in str(said["what"]))
        return f"{what!r}, process {int(said['process'])}, since {ago} s"
    return "it did not say which"
