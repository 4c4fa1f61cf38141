"""Which distributions ship skills by convention: what their RECORDs say, kept from run to run.

A RECORD has a line for each file, and an environment has hundreds of them: reading all takes
longer than everything else that finding skills does. Each is read once for each state it is in.
"""

from __future__ import annotations

import csv
import os
import re
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from headrace.plugins._kept import cache_folder, load, save

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["CONVENTION", "Shipped"]

CONVENTION = ".agents/skills"
"""Where a package has its skills, seen from its folder."""
MAX_RECORD = 32 * 1024 * 1024
_FORMAT = 1
_RACY = 2_000_000_000  # ns; a file that is changed twice within a tick of its clock keeps its stamp
_RECORDED = re.compile(
    r"(?P<folder>[^/\\]+(?:/[^/\\]+)*/\.agents/skills/[^/\\]+)/(?:SKILL|skill)\.md"
)


class Shipped:
    """The folders of skills that distributions record.

    Args:
        places: The entries of the path; answers are kept for each path.
    """

    def __init__(self, places: Sequence[str]) -> None:
        self._file = ""
        self._kept: dict[str, Any] = {}
        self._found: dict[str, Any] = {}
        self._latest = 0
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            name = f"{zlib.crc32(os.fsencode(chr(0).join(places))):08x}.json"
            self._file = f"{cache_folder('skills')}/{name}"
            content = load(self._file)
            if content["format"] == _FORMAT:
                self._kept = dict(content["records"])

    def folders(self, info: Path) -> list[str]:
        """The skills' folders that a ``.dist-info`` folder records, seen from beside it."""
        record = f"{info}/RECORD"
        try:
            found = os.stat(record)  # noqa: PTH116 - pathlib triples the time
        except (OSError, ValueError):
            return []
        stamp = [found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino]
        self._latest = max(self._latest, *stamp[:2])
        kept = _answer(self._kept.get(record), stamp)
        if kept is not None:
            self._found[record] = [stamp, kept]
            return kept
        folders = _recorded(info / "RECORD")
        self._found[record] = [stamp, folders]
        return folders

    def keep(self) -> None:
        """Keeps the answers for the next run, unless a RECORD is too young to be sure of."""
        if not self._file or self._found == self._kept or self._latest > time.time_ns() - _RACY:
            return
        with suppress(OSError, ValueError):
            save(self._file, {"format": _FORMAT, "records": self._found})


def _answer(kept: Any, stamp: list[int]) -> list[str] | None:
    """The folders of a kept answer; ``None`` where it is for another state, or made up."""
    try:
        known, folders = kept
    except (TypeError, ValueError):
        return None
    if known != stamp or not isinstance(folders, list):
        return None
    good = all(isinstance(one, str) and _is_confined(one) for one in folders)
    return list(folders) if good else None


def _recorded(record: Path) -> list[str]:
    try:
        with record.open("rb") as opened:
            content = opened.read(MAX_RECORD + 1)
    except OSError:
        return []
    if len(content) > MAX_RECORD or f"/{CONVENTION}/".encode() not in content:
        return []
    lines = content.decode("utf-8", "replace").splitlines()
    rows = csv.reader(line for line in lines if f"/{CONVENTION}/" in line)
    matches = (_RECORDED.fullmatch(row[0]) for row in rows if row)
    # A record may name files anywhere (../../../bin); a skill stands in its package.
    return [match["folder"] for match in matches if match and _is_confined(match["folder"])]


def _is_confined(folder: str) -> bool:
    return ".." not in folder.split("/") and not folder.startswith("/")
