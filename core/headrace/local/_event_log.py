"""The event log of a job: every record of what happened, a line of JSON each."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.records import Record

__all__ = ["EventLog"]


class EventLog:
    """Writes records to a file; an observer of an engine.

    Args:
        path: The file.
        keep: Whether what it holds stays, as for a job that goes on.
    """

    def __init__(self, path: Path, *, keep: bool) -> None:
        self._file = path.open("a" if keep else "w", encoding="utf-8")

    def __call__(self, record: Record) -> None:
        """Takes a record; fields that say nothing are left out."""
        said = {
            name: value for name, value in asdict(record).items() if value not in ("", None, {})
        }
        self._file.write(json.dumps(said, ensure_ascii=False, default=str) + "\n")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
