"""The folder of a cluster: held by one command at a time, made, and cleared."""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from headrace_registry.clusters._local_processes import kill, marked
from headrace_registry.clusters._local_record import CHECKPOINTS, SAVEPOINTS
from headrace_registry.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

__all__ = ["KEPT", "clear", "held", "make"]

KEPT = (CHECKPOINTS, SAVEPOINTS)
"""What may outlive a cluster."""
_PARTS = ("log", "tmp", "upload", "work", CHECKPOINTS, SAVEPOINTS)
_WAIT = 30  # seconds for another command


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps other commands from starting or stopping parts of the same cluster.

    Raises:
        BusyError: Another command does so.
    """
    from filelock import FileLock, Timeout

    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder.parent / f".{folder.name}.lock", timeout=_WAIT):
            yield
    except Timeout:
        raise BusyError(
            f"another command starts or stops the cluster {folder.name}\n"
            "  next:  wait for it, or end it, and type the same once more"
        ) from None


def make(folder: Path) -> None:
    """Makes a cluster's folder; what a former one of the name left to keep stays."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in _PARTS:
        (folder / name).mkdir(exist_ok=name in KEPT)


def clear(folder: Path, *, keep: Collection[str] = ()) -> None:
    """Ends whatever runs of a cluster, and removes its folder.

    Args:
        folder: Which.
        keep: The names in it that stay.
    """
    # A process that was about to start another is found with it the second time.
    while found := marked(folder):
        if kill(found):
            break
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.name in keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()
