"""The files of a log: they take whole lines, are closed when full, and thrown away in time.

What cannot be written is lost and counted; the next batch is tried again.
"""

from __future__ import annotations

import errno
import gzip
import os
import re
import shutil
import stat
import time
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

__all__ = ["CURRENT", "Keeping", "LogFile", "file_name", "safe_name"]

CURRENT: Final = ".jsonl"
"""How the name of a file ends that is being written."""
_CLOSED = re.compile(r"\.(\d{4,})\.jsonl(?:\.gz)?\Z")
_LOOK_EVERY = 1.0  # seconds between two looks at whether the file is still where it was
_DAY = 86_400
_IN_USE = 600.0  # seconds since the last line


class Keeping(NamedTuple):
    """When files are closed, and how long they are kept."""

    rotate: int
    """Bytes of a file."""
    keep: int
    """Closed files of one family."""
    days: float | None
    """How long a closed file is kept."""
    compress: bool
    """Whether it is compressed."""


def safe_name(text: str) -> str:
    """A name for a part of a file's name: letters, digits, dots, dashes; not hidden, not long."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-.")
    return plain[:60] or "job"


def file_name(family: str, attempt: int, began: float) -> str:
    """The name of a file, without its end: its family's (job and task), attempt, when it began."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(began))
    return f"{family}.a{attempt}.{stamp}-{os.getpid()}"


class LogFile:
    """A file that takes lines.

    Args:
        path: The file.
        keep: Whether what it holds stays.
        keeping: When it is closed, and how long what was closed is kept; ``None``: it is one file.
        family: What the names of the files begin with that count together for ``keeping``.
        header: Gives the line that each file begins with.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        path: Path,
        *,
        keep: bool,
        keeping: Keeping | None,
        family: str,
        header: Callable[[], bytes],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._keep = keep
        self._keeping = keeping
        self._family = family
        self._header = header
        self._clock = clock
        self._file: int | None = None
        self._size = 0
        self._regular = True
        self._looked = 0.0

    def write(self, lines: bytes) -> None:
        """Takes whole lines.

        Raises:
            OSError: They are not written; nothing of them is.
        """
        self._open()
        if not self._size:
            lines = self._header() + lines
        if (
            self._keeping is not None
            and self._size
            and (self._size + len(lines) > self._keeping.rotate)
        ):
            self._turn(self._keeping)
            lines = self._header() + lines
        self._put(lines)

    def close(self) -> None:
        """Closes it. It keeps its name; a further job's retention counts it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _put(self, lines: bytes) -> None:
        assert self._file is not None  # noqa: S101 - _open or _turn
        done = 0
        try:
            view = memoryview(lines)
            while done < len(lines):
                done += os.write(self._file, view[done:])
        except OSError:
            self._take_back()
            raise
        self._size += len(lines)

    def _take_back(self) -> None:
        """Cuts off half a batch; where that cannot be, it is told from the next one."""
        if self._file is None or not self._regular:
            return
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self.close()

    def _open(self) -> None:
        now = time.monotonic()
        if self._file is not None and now - self._looked >= _LOOK_EVERY:
            self._looked = now
            if not self._there():
                self.close()
        if self._file is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        how = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        if not self._keep:
            how |= os.O_TRUNC
        self._file = os.open(self._path, how, 0o600)
        self._keep = True  # what it is given from now on stays
        self._looked = now
        found = os.fstat(self._file)
        self._regular = stat.S_ISREG(found.st_mode)
        self._size = found.st_size if self._regular else 0
        if self._regular:
            os.fchmod(self._file, 0o600)
            if self._size and not self._ends_whole():
                self._put(b"\n")  # half a line of a process that was killed

    def _ends_whole(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def _there(self) -> bool:
        """Whether what is written can still be found under its name."""
        if not self._regular or self._file is None:
            return True
        try:
            named, own = self._path.stat(), os.fstat(self._file)
        except OSError:
            return False
        return (named.st_dev, named.st_ino) == (own.st_dev, own.st_ino)

    # ------------------------------------------------------------ rotation, retention
    def _turn(self, keeping: Keeping) -> None:
        """Closes the file under a name of its own, and begins a new one."""
        self.close()
        stem = self._path.name.removesuffix(CURRENT)
        numbers = [number for _, number in self._closed(stem)]
        closed = self._path.with_name(f"{stem}.{max(numbers, default=0) + 1:04d}{CURRENT}")
        self._path.rename(closed)
        self._open()
        if keeping.compress:
            _compress(closed)
        self.throw_away()

    def throw_away(self) -> None:
        """Removes closed files of the family that are too many, or too old."""
        if self._keeping is None:
            return
        files = sorted(self._others(), key=lambda one: one[1])
        now = self._clock()
        many = len(files) - self._keeping.keep
        for number, (path, changed) in enumerate(files):
            if not _CLOSED.search(path.name) and changed > now - _IN_USE:
                continue  # another process may be writing it
            old = self._keeping.days is not None and changed < now - self._keeping.days * _DAY
            if number < many or old:
                path.unlink(missing_ok=True)

    def _others(self) -> Iterable[tuple[Path, float]]:
        """The family's files that nobody writes: this process's, and those before it."""
        for path in self._path.parent.glob("*.jsonl*"):
            if path == self._path or not path.name.startswith(f"{self._family}."):
                continue
            if path.name.endswith((CURRENT, f"{CURRENT}.gz")):
                try:
                    yield path, path.stat().st_mtime
                except FileNotFoundError:
                    continue

    def _closed(self, stem: str) -> Iterable[tuple[Path, int]]:
        for path in self._path.parent.iterdir():
            if path.name.startswith(f"{stem}."):
                found = _CLOSED.fullmatch(path.name[len(stem) :])
                if found:
                    yield path, int(found[1])


def _compress(path: Path) -> None:
    """Compresses a closed file; it stays as it is where that cannot be done."""
    packed = path.with_name(f"{path.name}.gz")
    beside = path.with_name(f".{path.name}.gz.part")
    try:
        with path.open("rb") as plain, gzip.open(beside, "wb", compresslevel=6) as file:
            os.fchmod(file.fileno(), 0o600)
            shutil.copyfileobj(plain, file, 1 << 20)
        beside.replace(packed)
        path.unlink()
    except OSError as error:
        beside.unlink(missing_ok=True)
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
