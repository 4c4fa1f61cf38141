"""A job's zip, unpacked once for all who run it here: ``<cache>/jobs/<digest>/``.

What is unpacked was verified on the way: a folder is put in its place, with its marker, only when
every check has passed. Its name is the digest of ``job.json``, which covers every file, so whoever
runs the folder needs to read no more of a zip that has that digest. Whoever passes the zip itself
on, to a cluster or into an image, has all of it read again: ``travels``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from headrace_registry.bundle._reading import VerificationError, open_job
from headrace_registry.bundle.verifying import UNLISTED, check_job, check_keys, signer_of
from headrace_registry.client._store import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from headrace_registry._wheel_archive import Entry
    from headrace_registry.bundle._reading import JobZip, Progress

__all__ = ["KEPT", "MARKER", "open_zip"]

KEPT = 5
"""How many unpacked jobs are kept: those that were used last."""
MARKER = ".headrace-unpacked"
"""The file that a folder has once it is whole."""
_FOLDER = "jobs"
_PART = ".part"
_LOCK = ".lock"
_OLD = ".old"
_FILE, _EXECUTABLE, _RUN_BITS = 0o444, 0o555, 0o111
_held: list[int] = []
"""The markers of the jobs that this process uses."""


def open_zip(
    path: Path,
    *,
    cache: Path | None = None,
    keys: Collection[str] = (),
    keep: int = KEPT,
    travels: bool = False,
    progress: Progress | None = None,
) -> Path:
    """The folder of a job: verified, and unpacked where no earlier run did it.

    The folder stays at least until this process ends. Another process that opens the same job
    at the same time waits, and uses the same folder.

    Args:
        path: The zip.
        cache: The cache; else ``HEADRACE_CACHE_DIR`` or the user's.
        keys: Fingerprints, of which one has to have signed it.
        keep: How many jobs are kept; the others, unless they run, are removed.
        travels: The zip itself is passed on: it is verified though its folder is there.
        progress: Is told of bytes: how many are read, and how many there are.

    Raises:
        VerificationError: It is not to be run; nothing of it is left here.
        SettingsError: A key is no fingerprint.
        OSError: There is no room, or no right to write.
    """
    check_keys(keys)
    jobs = (cache or cache_folder()) / _FOLDER
    jobs.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_job(path) as job:
        home = jobs / job.digest
        with FileLock(jobs / f"{job.digest}{_LOCK}"):
            if not (home / MARKER).is_file():
                _unpack(job, home, keys, progress)
            elif travels:
                check_job(job, keys=keys, progress=progress)
            else:
                signer_of(job, keys)
            _hold(home)
    _clean(jobs, keep)
    return home


def _unpack(job: JobZip, home: Path, keys: Collection[str], progress: Progress | None) -> None:
    """Unpacks beside, and renames when all is well."""
    if MARKER in job.entries:
        raise VerificationError.of(job.path, [f"extra: {MARKER}, which is written here"])
    part = home.with_name(f"{home.name}{_PART}")
    for left in (part, home):  # of a process that was killed
        if left.exists():
            shutil.rmtree(left)
    part.mkdir(mode=0o700)
    try:
        for folder in sorted({name.rpartition("/")[0] for name in job.entries}):
            (part / folder).mkdir(parents=True, exist_ok=True)

        @contextmanager
        def write(entry: Entry) -> Iterator[Callable[[bytes], object]]:
            mode = _EXECUTABLE if (entry.mode or 0) & _RUN_BITS else _FILE
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(part / entry.name, flags, mode)
            try:
                yield partial(_write, descriptor)
            finally:
                os.close(descriptor)

        check_job(job, keys=keys, keep=write, progress=progress)
        for name in UNLISTED:
            data = job.read(name)
            if data is not None:
                (part / name).write_bytes(data)
                (part / name).chmod(_FILE)
        (part / MARKER).write_text(f"{job.digest}\n")
        part.rename(home)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _hold(home: Path) -> None:
    """Notes that the job is used now, and holds its folder until this process ends.

    A program that takes this process's place (exec) holds it too.
    """
    marker = home / MARKER
    os.utime(marker)
    descriptor = os.open(marker, os.O_RDONLY)
    is_held = any(os.path.sameopenfile(descriptor, one) for one in _held)
    if is_held:
        os.close(descriptor)
        return
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.set_inheritable(descriptor, True)
    _held.append(descriptor)


def _clean(jobs: Path, keep: int) -> None:
    """Removes the jobs that were used longest ago, unless somebody uses them or opens them."""
    markers = sorted(jobs.glob(f"*/{MARKER}"), key=_used, reverse=True)
    for marker in markers[max(keep, 1) :]:
        home = marker.parent
        try:
            with FileLock(jobs / f"{home.name}{_LOCK}", timeout=0):
                _remove(home)
        except (Timeout, OSError):
            continue


def _remove(home: Path) -> None:
    descriptor = os.open(home / MARKER, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        old = home.with_name(f"{home.name}{_OLD}")
        shutil.rmtree(old, ignore_errors=True)
        home.rename(old)  # nobody finds it half removed
        shutil.rmtree(old, ignore_errors=True)
    finally:
        os.close(descriptor)


def _used(marker: Path) -> float:
    try:
        return marker.stat().st_mtime
    except OSError:
        return 0.0
