"""Where the local engine's streams go: lists, callables, files of JSON lines."""

from __future__ import annotations

import json
import os
import stat
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from headrace.errors import StateError
from headrace.values import decode, to_jsonable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CallSink", "FileSink", "ListSink", "Sink"]


class Sink(ABC):
    """Takes the lines of one stream, in stored form."""

    @abstractmethod
    def write(self, lines: list[Any]) -> int:
        """Writes lines; gives the stream's length afterwards, 0 where it has none."""

    def cut(self, length: int) -> None:  # noqa: B027
        """Takes back what was written after a length (after a crash)."""

    def close(self) -> None:  # noqa: B027
        """Closes the stream."""


class ListSink(Sink):
    """A list of values."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def write(self, lines: list[Any]) -> int:
        """Appends the values."""
        self.values += [decode(line) for line in lines]
        return 0


class CallSink(Sink):
    """Calls a function with every value."""

    def __init__(self, call: Callable[[Any], None]) -> None:
        self._call = call

    def write(self, lines: list[Any]) -> int:
        """Calls it."""
        for line in lines:
            self._call(decode(line))
        return 0


class FileSink(Sink):
    """A file of JSON lines, or a stream such as stdout, a pipe or a device.

    What was written to a stream cannot be taken back: after a crash some of it may come twice.
    """

    def __init__(self, target: Path | IO[str], *, keep: bool = False) -> None:
        self._path: Path | None = None
        if isinstance(target, Path):
            self._path = target
            # Not buffered: what a full disk did not take must not be written at another time.
            self._file: IO[Any] = target.open("ab" if keep else "wb", buffering=0)
            self._has_length = stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        else:
            self._file = target

    def write(self, lines: list[Any]) -> int:
        """Writes the lines and hands them to the operating system.

        Raises:
            StateError: The file takes no more. A part of them may be in it; ``cut`` takes it back.
        """
        text = "".join(
            json.dumps(to_jsonable(decode(line)), ensure_ascii=False) + "\n" for line in lines
        )
        if self._path is None:
            self._file.write(text)
            self._file.flush()
            return 0
        left = memoryview(text.encode(errors="backslashreplace"))
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise StateError(
                f"{self._path} cannot be written: {error.strerror}. With a state file nothing is "
                "lost: make room on its disk, and start the job again"
            ) from error
        return self._file.tell() if self._has_length else 0

    def cut(self, length: int) -> None:
        """Cuts the file to a length."""
        if self._path is None or not self._has_length:
            return
        size = os.fstat(self._file.fileno()).st_size
        if size < length:
            raise StateError(
                f"{self._path} has {size} bytes, and the state knows of {length}: outputs were "
                "taken away. Put the file back, or start with a new state file."
            )
        self._file.truncate(length)
        self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Closes the file; a stream that was given stays open."""
        if self._path is not None:
            self._file.close()
