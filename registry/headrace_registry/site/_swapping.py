"""A folder put in the place of another in one step, so that nobody ever sees half of it.

The new one is made beside the old one, as ``.NAME.new``. Linux can exchange two folders at once;
where the file system cannot, renames do it, and the next command mends what a kill between them
left. A lock beside the folder keeps two commands apart.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from headrace_registry.errors import BusyError, SiteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["beside", "discard", "locked", "settled", "swap"]

WAIT = 60.0
"""Seconds to wait for another command."""
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_FEW = 200  # files
_AT_ONCE = 4  # folders that are removed
_CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def settled(site: Path) -> Path:
    """The folder that a path stands for, without links.

    Raises:
        SiteError: It is one that cannot be replaced in one step.
    """
    real = site.resolve()
    if real.exists() and not real.is_dir():
        raise SiteError(f"{site} is a file, and a registry is a folder")
    if os.path.ismount(real):
        raise SiteError(
            f"{site} is where another file system is mounted, which cannot be replaced in one step"
            f"\n  next: make the registry in a folder of it: {site / 'registry'}"
        )
    return real


@contextmanager
def locked(site: Path, wait: float = WAIT) -> Iterator[None]:
    """Keeps other commands from the site, and mends what a killed one left.

    Args:
        site: The folder, as ``settled`` gives it.
        wait: Seconds to wait for another command.

    Raises:
        BusyError: Another command changes the same site.
        SiteError: Nothing can be written beside the site.
    """
    from filelock import FileLock, Timeout

    try:
        site.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(beside(site, "lock"), timeout=wait)
        lock.acquire()
    except Timeout:
        raise BusyError(
            f"another command changes {site}, for {wait:g} s now\n  next: try again when it is done"
        ) from None
    except OSError as error:
        raise SiteError(
            f"nothing can be written beside {site}: {error.strerror}\n"
            "  why:  a registry is made anew beside the old one, and takes its place when it is "
            "whole"
        ) from None
    try:
        _mend(site)
        yield
    finally:
        lock.release()


def beside(site: Path, what: str) -> Path:
    """Where something stands beside a site."""
    return site.with_name(f".{site.name}.{what}")


def discard(left: str | Path) -> None:
    """Removes a file, a link or a folder as far as it goes, and never what a link leads to."""
    if os.path.isdir(left) and not os.path.islink(left):  # noqa: PTH112, PTH114 - mostly texts
        _remove(left)
    else:
        with suppress(OSError):
            os.unlink(left)  # noqa: PTH108


def swap(draft: Path, site: Path, new: Sequence[str]) -> None:
    """Puts a folder in the place of the site; the old one is then where the new one was, if any.

    What is new in it is on the disk before anything of the old one goes.

    Args:
        draft: The folder.
        site: What it replaces.
        new: The files in it that were written just now.
    """
    _flush(draft, new)
    if not site.exists():
        draft.rename(site)
    elif not _exchange(draft, site):
        old = beside(site, "old")
        site.rename(old)
        draft.rename(site)
        old.rename(draft)
    with suppress(OSError):  # some file systems cannot, and the names are right all the same
        _fsync(site.parent)


def _remove(folder: str | Path) -> None:
    """Removes a folder as far as it goes; parts of it side by side, for the disk takes the time."""
    parts = [one for part in _folders(folder) for one in _folders(part)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(partial(shutil.rmtree, ignore_errors=True), parts))
    shutil.rmtree(folder, ignore_errors=True)


def _folders(folder: str | Path) -> list[str]:
    """The folders in a folder; what a link leads to is none."""
    with suppress(OSError), os.scandir(folder) as entries:
        return [one.path for one in entries if one.is_dir(follow_symlinks=False)]
    return []


def _mend(site: Path) -> None:
    """Takes back or throws away what a command that was killed left."""
    old, new = beside(site, "old"), beside(site, "new")
    if old.is_dir() and not site.exists():
        old.rename(site)
    for left in (old, new):
        if left.is_symlink() or left.is_file():
            left.unlink()
        elif left.exists():
            shutil.rmtree(left)


def _exchange(one: Path, other: Path) -> bool:
    """Exchanges two folders in one step; False where the system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    paths = os.fsencode(one), os.fsencode(other)
    if not rename(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE):
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _flush(folder: Path, new: Sequence[str]) -> None:
    """Waits until files are on the disk.

    Few are waited for one by one; for many, one call waits for the whole file system, which is
    quicker than thousands, and slower than a few where others write a lot.
    """
    if len(new) <= _FEW:
        for path in new:
            _fsync(folder / path)
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        ctypes.CDLL(None).syncfs(descriptor)
    except (OSError, AttributeError):
        os.sync()
    finally:
        os.close(descriptor)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
