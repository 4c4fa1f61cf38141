"""A small disk of its own, that can be full, and read only."""

from __future__ import annotations

import errno
import functools
import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Self

__all__ = ["Disk", "may_mount"]

_MEBIBYTES = 64


@functools.cache
def may_mount() -> bool:
    """Whether this process may make disks."""
    if os.geteuid() or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0


class Disk:
    """A file system in memory; a plain folder, where this process may not make one.

    Args:
        folder: Where it is mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        self.folder.mkdir()
        if may_mount():
            _run("mount", "-t", "tmpfs", "-o", f"size={_MEBIBYTES}m", "chaos", str(self.folder))
        return self

    def __exit__(self, *_: object) -> None:
        if may_mount():
            _run("umount", "--lazy", str(self.folder))

    @contextmanager
    def struck(self, what: str) -> Iterator[None]:
        """Is ``full`` or ``readonly`` for a time; readonly only while nobody writes there."""
        if what == "full":
            ballast = self.folder / "ballast"
            _fill(ballast)
            try:
                yield
            finally:
                ballast.unlink()
        else:
            self._remount("ro")
            try:
                yield
            finally:
                self._remount("rw")

    def _remount(self, how: str) -> None:
        _run("mount", "-o", f"remount,{how}", str(self.folder))


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        piece = bytes(1 << 20)
        while piece:
            try:
                file.write(piece)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                piece = piece[: len(piece) // 2]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
