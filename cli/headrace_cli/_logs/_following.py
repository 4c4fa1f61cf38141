"""A log as it grows: new lines of its files, and new files."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from headrace_cli._errors import CommandError
from headrace_cli._logs._reading import files_of, record_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from headrace_cli._logs._reading import Problems

__all__ = ["follow", "standing"]

_EVERY = 0.2  # seconds between two looks
_BLOCK = 1 << 20


class _Tail:
    """A file that grows."""

    def __init__(self, path: Path, begin: int) -> None:
        self._file: BinaryIO = path.open("rb")
        self._file.seek(begin)
        self._half = b""

    def lines(self) -> Iterator[bytes]:
        """Whole lines that are new."""
        while block := self._file.read(_BLOCK):
            *whole, self._half = (self._half + block).split(b"\n")
            yield from whole

    @property
    def gone(self) -> bool:
        """Whether the file has been deleted, whatever name it had."""
        return os.fstat(self._file.fileno()).st_nlink == 0

    def close(self) -> None:
        """Closes it."""
        self._file.close()


def standing(paths: list[Path]) -> dict[tuple[int, int], int]:
    """How long each file of a log is by now, by what it is, whatever its name."""
    return {(found.st_dev, found.st_ino): found.st_size for _, found in _current(paths)}


def _current(paths: list[Path]) -> Iterator[tuple[Path, Any]]:
    try:
        files = files_of(paths)
    except CommandError:
        return  # the job has not begun it
    for path in files:
        if path.suffix != ".gz":
            try:
                yield path, path.stat()
            except OSError:
                continue


def follow(
    paths: list[Path], begun: dict[tuple[int, int], int], problems: Problems
) -> Iterator[dict[str, Any]]:
    """The records that are written from now on; ends when the caller does.

    Args:
        paths: Files and folders.
        begun: What ``standing`` gave: what was there is not given again.
        problems: Takes what is wrong with them.
    """
    tails: dict[tuple[int, int], tuple[_Tail, str]] = {}
    begun = dict(begun)
    while True:
        # Before new files are looked for: one that was just closed may have lines left.
        for what, (tail, name) in list(tails.items()):
            # Asked first: lines that come before it is deleted are read below. That a look at the
            # folder misses it says nothing: its name may be changing just then.
            gone = tail.gone
            for line in tail.lines():
                if line.strip():
                    record = record_of(line, name, problems)
                    if record is not None:
                        yield record
            if gone:
                tails.pop(what)[0].close()
                begun.pop(what, None)  # the number may be given to another file
        for path, found in _current(paths):
            what = (found.st_dev, found.st_ino)
            if what not in tails:
                try:
                    tails[what] = _Tail(path, begun.get(what, 0)), path.name
                except OSError:
                    continue
        time.sleep(_EVERY)
