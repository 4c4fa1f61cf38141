"""One process for each store's folder."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from headrace.errors import ResourceError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FolderLock"]

PAUSE = 0.05
"""Seconds between two tries."""


class FolderLock:
    """A lock on a folder, which ends with the process that holds it, however it ends.

    The store's own lock is no help: it is not waited for, and says nothing of who holds it.
    """

    __slots__ = ("_file",)

    def __init__(self, folder: Path, timeout: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / "headrace.lock").open("a+")
        until = time.monotonic() + timeout
        try:
            while not self._taken():
                if time.monotonic() >= until:
                    self._refuse(folder, timeout)
                time.sleep(PAUSE)
            self._file.truncate(0)
            self._file.write(str(os.getpid()))
            self._file.flush()
        except BaseException:
            self._file.close()
            raise

    def release(self) -> None:
        """Gives the folder free, also where a child of this process has the file open."""
        with suppress(OSError):
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._file.close()

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _refuse(self, folder: Path, timeout: float) -> NoReturn:
        self._file.seek(0)
        pid = self._file.read(20)
        holder = "this process" if pid == str(os.getpid()) else f"the process {pid or 'unknown'}"
        raise ResourceError(
            f"{folder} is open as a memory in {holder}, and was for {timeout:g} s: an embedded "
            "store is for one process. Give each worker a folder of its own, or use a server "
            "(provider=...), or the memory `sqlite`"
        )
