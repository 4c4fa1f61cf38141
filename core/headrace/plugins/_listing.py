"""What stands on a path, told without opening a file: metadata folders and their stamps.

The listing is the key of the cache, so it must change with anything that could change the
answer. A folder's own time is not enough: an ``entry_points.txt`` that is edited, or a
distribution that is put in place of itself, leaves the folder above as it was. So each folder
is listed anew, and each ``entry_points.txt`` is asked for its stamp (2 microseconds apiece),
which is cheap beside opening it. The time of the last *status* change is part of a stamp
because installers keep a file's old time of writing (uv links files from its store).
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace.plugins._model import Stamp

__all__ = ["POINTS", "Listing", "Place", "newest_of", "stamp", "take_listing"]

POINTS = "entry_points.txt"
_METADATA_FOLDERS = (".dist-info", ".egg-info")


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the path, and which metadata folders it holds."""

    path: str
    """The folder or the archive, absolute."""
    archive: bool
    """Whether it is a file (a zip, or nothing that Python can import from)."""
    infos: tuple[tuple[str, bool], ...] = ()
    """Names of metadata folders, each with whether it holds an ``entry_points.txt``."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All that stands on a path at one moment."""

    places: tuple[Place, ...]
    """In the path's order, none twice."""
    signature: list[str]
    """Equal for equal listings only."""
    newest: int
    """The latest time in any stamp (ns since the epoch)."""


def stamp(path: str) -> Stamp | None:
    """Read a file's stamp, or None where there is no such file to be had."""
    try:
        found = os.stat(path)  # noqa: PTH116 - pathlib triples the time
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def newest_of(stamps: Iterable[Stamp | None]) -> int:
    """Tell the latest time in some stamps (ns since the epoch)."""
    return max((max(one[:2]) for one in stamps if one), default=0)


def take_listing(path: Iterable[str] | None) -> Listing:
    """List what stands on a path (``sys.path`` for None)."""
    entries = [e for e in sys.path if isinstance(e, str)] if path is None else map(os.fspath, path)
    places: list[Place] = []
    signature: list[str] = []
    newest = 0
    for entry in dict.fromkeys(map(os.path.abspath, entries)):
        signature.append(entry)
        try:
            names = os.listdir(entry)  # noqa: PTH208 - pathlib triples the time
        except NotADirectoryError:
            found = stamp(entry)
            places.append(Place(entry, archive=True))
            signature.append(f"/{found}")
            newest = max(newest, newest_of([found]))
            continue
        except (OSError, ValueError):
            continue  # not there, or not ours to read: Python imports nothing from it either
        infos: list[tuple[str, bool]] = []
        for name in sorted(filter(_is_metadata, names)):
            found = stamp(f"{entry}/{name}/{POINTS}")
            infos.append((name, found is not None))
            if found is None:
                signature.append(name)
                continue
            written, changed, size, inode = found
            newest = max(newest, written, changed)
            signature.append(f"{name}/{written}/{changed}/{size}/{inode}")
        places.append(Place(entry, archive=False, infos=tuple(infos)))
    return Listing(tuple(places), signature, newest)


def _is_metadata(name: str) -> bool:
    # A name with a tilde is what pip leaves of a removal that was interrupted.
    return name.endswith(_METADATA_FOLDERS) and not name.startswith("~")
