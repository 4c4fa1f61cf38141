"""Where the local engine's inputs come from: iterables, JSON-lines, CSV and text files, pipes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import threading
from abc import ABC, abstractmethod
from collections import deque
from typing import IO, TYPE_CHECKING, Any, Final

from headrace.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from headrace.operator import RunInput

__all__ = [
    "END",
    "NOTHING",
    "FileSource",
    "InputError",
    "IterableSource",
    "PipeSource",
    "Source",
    "parse_line",
]


class InputError(StateError):
    """An input that cannot be read; the message has its place."""


class _Mark:
    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


END: Final = _Mark("END")
"""There will be no more inputs."""
NOTHING: Final = _Mark("NOTHING")
"""There is no input just now."""


def parse_line(line: str, place: str) -> Any:
    """One JSON line.

    Raises:
        InputError: With the place and what is wrong.
    """
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{place}, column {error.colno}: this is not JSON: {error.msg}: {line[:80]!r}"
        ) from None


class Source(ABC):
    """Gives inputs one by one."""

    resumable = False
    """Whether it can go on from a position after a crash."""

    @abstractmethod
    def poll(self) -> Any:
        """The next input; ``NOTHING`` where none is there yet, ``END`` after the last."""

    def position(self) -> Any:
        """Where it would go on after the last input that it gave."""
        return None

    def place(self) -> str:
        """Where the last input was, for messages; empty where it has no place but its number."""
        return ""

    def start(self, position: Any, wake: Callable[[], None]) -> None:  # noqa: B027
        """Begins at a position; ``wake`` may be called from any thread when there is more."""

    def taken(self, item: RunInput) -> None:  # noqa: B027
        """Told what its last input has become: key and number, before its run begins."""

    def close(self) -> None:  # noqa: B027
        """Closes what it holds."""


class IterableSource(Source):
    """Any iterable of Python values."""

    def __init__(self, values: Iterable[Any]) -> None:
        self._values: Iterator[Any] = iter(values)

    def poll(self) -> Any:
        """The next value."""
        return next(self._values, END)


class FileSource(Source):
    """A file of JSON lines (``.jsonl``, ``.ndjson``, ``.json``), CSV or text lines, by its name.

    It goes on after a crash from the byte where it was, and refuses a file whose part before that
    place is not what it was.
    """

    resumable = True

    def __init__(self, path: Path, form: str | None = None) -> None:
        self._path = path
        self._form = form or {".csv": "csv", ".txt": "text", ".log": "text"}.get(
            path.suffix.lower(), "jsonl"
        )
        self._file: IO[bytes] | None = None
        self._line = 0
        self._offset = 0
        self._tail = b""
        self._header: list[str] | None = None

    def start(self, position: Any, wake: Callable[[], None]) -> None:  # noqa: ARG002
        """Opens the file at a position."""
        self._file = self._path.open("rb")
        if self._form == "csv":
            self._header = next(csv.reader([self._read_line().decode("utf-8-sig")]), [])
        if position is not None:
            self._resume(position)

    def poll(self) -> Any:
        """The next line's value; empty lines are passed over."""
        while True:
            raw = self._read_line()
            if not raw:
                return END
            try:
                text = raw.decode("utf-8-sig" if self._line == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise InputError(f"{self.place()}: this is not UTF-8: {error}") from None
            text = text.rstrip("\r\n")
            if self._form == "text":
                return text
            if not text.strip():
                continue
            if self._form == "csv":
                return self._row(text)
            return parse_line(text, self.place())

    def position(self) -> Any:
        """The byte after the last line, and a digest of what is before it."""
        digest = hashlib.blake2b(self._tail, digest_size=8).hexdigest()
        return {
            "offset": self._offset,
            "line": self._line,
            "tail": len(self._tail),
            "digest": digest,
            "file": self._path.name,
        }

    def place(self) -> str:
        """The file and the line."""
        return f"{self._path}:{self._line}"

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()

    def _read_line(self) -> bytes:
        assert self._file is not None  # noqa: S101 - start comes before poll
        raw = self._file.readline()
        if raw:
            self._offset += len(raw)
            self._line += 1
            self._tail = raw[-256:]
        return raw

    def _row(self, text: str) -> dict[str, str]:
        header = self._header or []
        row = next(csv.reader(io.StringIO(text)), [])
        if len(row) != len(header):
            raise InputError(f"{self.place()}: {len(row)} fields, and the header has {len(header)}")
        return dict(zip(header, row, strict=True))

    def _resume(self, position: dict[str, Any]) -> None:
        assert self._file is not None  # noqa: S101
        offset, length = position["offset"], position["tail"]
        self._file.seek(max(0, offset - length))
        tail = self._file.read(length)
        if hashlib.blake2b(tail, digest_size=8).hexdigest() != position["digest"]:
            raise StateError(
                f"{self._path} is not the file that the state was at: byte {offset} (line "
                f"{position['line']}) of {position['file']}. Give the same file, or a new state."
            )
        self._offset, self._line, self._tail = offset, position["line"], tail


class PipeSource(Source):
    """Lines of a stream that may stop and go on, such as stdin; read by a thread of its own."""

    _AHEAD = 1000

    def __init__(self, stream: IO[str], form: str = "jsonl") -> None:
        self._stream = stream
        self._form = form
        self._lines: deque[str] = deque()
        self._room = threading.Semaphore(self._AHEAD)
        self._ended = False
        self._number = 0

    def start(self, position: Any, wake: Callable[[], None]) -> None:  # noqa: ARG002
        """Starts the reading thread."""
        threading.Thread(
            target=self._read, args=(wake,), name="headrace-stdin", daemon=True
        ).start()

    def place(self) -> str:
        """The line of the stream."""
        return f"stdin:{self._number}"

    def poll(self) -> Any:
        """The next line's value."""
        while True:
            ended = self._ended
            try:
                line = self._lines.popleft()
            except IndexError:
                return END if ended else NOTHING
            self._room.release()
            self._number += 1
            if self._form == "text":
                return line.rstrip("\r\n")
            if line.strip():
                return parse_line(line, self.place())

    def _read(self, wake: Callable[[], None]) -> None:
        try:
            for line in self._stream:
                self._room.acquire()
                self._lines.append(line)
                wake()
        finally:
            self._ended = True
            wake()
