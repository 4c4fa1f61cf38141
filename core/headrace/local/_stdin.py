"""Lines of stdin, for the thread that reads them."""

from __future__ import annotations

import io
import sys
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["StdinLines"]


class StdinLines:
    """Iterates over the lines of stdin.

    It has a reader of its own on the file: Python's, held by a daemon thread when the process ends,
    aborts the process. What cannot be decoded ends the lines and is kept in ``error``, since the
    thread that reads has nobody to tell.
    """

    def __init__(self) -> None:
        self.error: str | None = None
        self._number = 0

    def as_stream(self) -> IO[str]:
        """Itself, as the type that sources ask for; they iterate and do no more."""
        return cast("IO[str]", self)

    def __iter__(self) -> Iterator[str]:
        try:
            for raw in _lines():
                self._number += 1
                encoding = "utf-8-sig" if self._number == 1 else "utf-8"
                yield raw.decode(encoding)
        except UnicodeDecodeError as error:
            self.error = f"stdin:{self._number}: this is not UTF-8: {error}"
        except OSError as error:
            self.error = f"stdin cannot be read: {error.strerror}"


def _lines() -> Iterator[bytes]:
    try:
        raw: Any = io.FileIO(sys.stdin.fileno(), closefd=False)
    except (OSError, ValueError):  # a stdin without a file: in tests, in notebooks
        buffer = getattr(sys.stdin, "buffer", None)
        return iter(buffer) if buffer else (line.encode() for line in sys.stdin)
    return iter(io.BufferedReader(raw))
