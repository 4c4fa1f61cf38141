"""The records of a log's files. What cannot be read is counted, told of, and left out."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from headrace.eventlog import VERSION
from headrace_cli._errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["MAX_LINE", "Problems", "files_of", "opened", "read", "record_of"]

MAX_LINE = 16 * 2**20
"""Bytes of a line that is read, at most."""
_MAX_DEPTH = 500  # brackets that are open at a time: what is deeper no log of ours has
_SHOWN = 3
_OPENING, _QUOTED = re.compile(rb"[\[\]{}]"), re.compile(rb'"(?:[^"\\]|\\.)*"')


class Problems:
    """What was wrong with some files."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._places: dict[str, list[str]] = {}

    def add(self, what: str, place: str = "", count: int = 1) -> None:
        """Notes something: ``what`` is the same text for things that are alike."""
        self._counts[what] += count
        places = self._places.setdefault(what, [])
        if place and len(places) < _SHOWN:
            places.append(place)

    def told(self) -> dict[str, tuple[int, str]]:
        """How often each sort of thing was wrong, and where."""
        return {
            what: (count, ", ".join(self._places[what]) + (" ..." if count > _SHOWN else ""))
            for what, count in self._counts.items()
        }

    def lines(self) -> list[str]:
        """A line for each sort of thing."""
        return [
            f"{count:,} {what}" + (f" ({places})" if places else "")
            for what, (count, places) in self.told().items()
        ]


def files_of(paths: Sequence[Path]) -> list[Path]:
    """The files of a log: those named, and those in folders that are named; the oldest first.

    Raises:
        CommandError: There is no such path, or no log in a folder.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [one for one in path.rglob("*.jsonl*") if _is_log(one)]
            if not inside:
                raise CommandError("there is no event log in the folder", where=str(path))
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise CommandError("there is no such file or folder", where=str(path))
    # One that was closed and not yet removed stands beside its compressed self for a moment.
    whole = {one for one in found if one.name.endswith(".gz")}
    found = [one for one in found if one.with_name(f"{one.name}.gz") not in whole]
    return sorted(dict.fromkeys(found), key=_age)


def _is_log(path: Path) -> bool:
    named = path.name.endswith((".jsonl", ".jsonl.gz")) and not path.name.startswith(".")
    return named and path.is_file()


def _age(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except OSError:
        return 0, path.name


def opened(path: Path) -> BinaryIO:
    """A file of a log, its content."""
    return cast("BinaryIO", gzip.open(path) if path.name.endswith(".gz") else path.open("rb"))


def read(files: Iterable[Path], problems: Problems) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The records of some files, each with its line.

    Args:
        files: The files.
        problems: Takes what is wrong with them.
    """
    for path in files:
        try:
            with opened(path) as file:
                yield from _lines(file, path.name, problems)
        except FileNotFoundError:
            problems.add("files were thrown away meanwhile", path.name)
        except (OSError, EOFError, zlib.error) as error:
            problems.add(f"files cannot be read to their end: {error}", path.name)


def _lines(file: BinaryIO, name: str, problems: Problems) -> Iterator[tuple[dict[str, Any], bytes]]:
    number, before = 0, b""
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            problems.add("lines are too long and left out", f"{name}:{number}")
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE)
            continue
        if not line.endswith(b"\n"):
            problems.add("last lines are cut off and left out", f"{name}:{number}")
            return
        if not line.strip():
            continue
        if line == before:
            problems.add("lines stand twice and are shown once", f"{name}:{number}")
            continue
        before = line
        found = record_of(line, f"{name}:{number}", problems)
        if found is not None:
            yield found, line


def record_of(line: bytes, place: str, problems: Problems) -> dict[str, Any] | None:
    """The record of a line; ``None`` where it is none."""
    if _too_deep(line):
        problems.add("lines are nested too deeply and left out", place)
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        problems.add("lines are damaged and left out", place)
        return None
    if type(found) is not dict or type(found.get("kind")) is not str:
        problems.add("lines are no records and left out", place)
        return None
    if type(found.get("v")) is not int or found["v"] > VERSION:
        problems.add("records are of a newer headrace, or of no version", place)
    if found["kind"] == "log" and found.get("what") == "lost":
        data = found.get("data")
        count = data.get("records") if type(data) is dict else None
        problems.add("records were lost when they were written", place, _whole(count))
    return found


def _whole(count: Any) -> int:
    return count if type(count) is int and count > 0 else 1


def _too_deep(line: bytes) -> bool:
    if line.count(b"{") + line.count(b"[") < _MAX_DEPTH:
        return False
    depth = 0
    for bracket in _OPENING.findall(_QUOTED.sub(b"", line)):
        depth += 1 if bracket in b"[{" else -1
        if depth > _MAX_DEPTH:
            return True
    return False
