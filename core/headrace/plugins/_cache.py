"""Answers kept from one process to the next: one small file for each path.

An answer is taken only when the listing is, entry by entry, the one that it was found with.
That leaves one way to be stale: a file that is changed twice within one tick of the file
system's clock keeps its stamp. As git does with its index, nothing is kept or taken while any
stamp is that young (`_RACY`). What is wrong with the cache (no room, no right, another
user's, cut short, made up) is never told: the answer is then read afresh.
"""

from __future__ import annotations

import os
import sys
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from headrace.plugins._kept import cache_folder, load, save
from headrace.plugins._listing import newest_of, stamp
from headrace.plugins._model import BrokenDistribution, Kind, Plugin, Reading, normalise

if TYPE_CHECKING:
    from headrace.plugins._listing import Listing
    from headrace.plugins._model import Stamp

__all__ = ["fetch", "keep"]

_FORMAT = f"1 {sys.implementation.cache_tag} {sys.platform}"
_RACY = 2_000_000_000  # ns; the coarsest clock of a file system in use (FAT) ticks in 2 s
_clock = time.time_ns  # a name of its own, so that a test can let time pass


def fetch(listing: Listing, core: str | None) -> tuple[Reading, dict[str, bool]] | None:
    """Take the kept answer for a listing and a version of the core, if there is one.

    Returns:
        The reading, and which specifiers on the core hold for that version.
    """
    if _is_racy(listing.newest):
        return None
    try:
        return _parse(load(_file_of(listing)), listing, core)
    except Exception:  # noqa: BLE001 - whatever stands there, it is no answer
        return None


def keep(listing: Listing, core: str | None, reading: Reading, fits: dict[str, bool]) -> None:
    """Keep an answer, if that can be done safely."""
    if _is_racy(max(listing.newest, newest_of(reading.watched.values()))):
        return
    content = {
        "format": _FORMAT,
        "core": core,
        "signature": listing.signature,
        "watched": reading.watched,
        "fits": fits,
        "plugins": [
            [
                one.kind.value,
                one.name,
                one.distribution,
                one.version,
                one.value,
                one.origin,
                one.editable,
                one.requires_core,
            ]
            for one in reading.plugins
        ],
        "broken": [[one.distribution, one.origin, one.reason] for one in reading.broken],
    }
    with suppress(OSError, ValueError):
        save(_file_of(listing), content)


def _is_racy(newest: int) -> bool:
    return newest > _clock() - _RACY


def _file_of(listing: Listing) -> str:
    places = "\0".join(place.path for place in listing.places)
    # Two paths of one sum would only overwrite each other: the signature holds the whole path.
    return f"{cache_folder('plugins')}/{zlib.crc32(os.fsencode(places)):08x}.json"


def _parse(
    content: Any, listing: Listing, core: str | None
) -> tuple[Reading, dict[str, bool]] | None:
    known = (content["format"], content["core"], content["signature"])
    if known != (_FORMAT, core, listing.signature):
        return None
    watched: dict[str, Stamp | None] = {}
    for path, kept in content["watched"].items():
        watched[path] = stamp(path)
        if watched[path] != (None if kept is None else tuple(kept)):
            return None
    if _is_racy(newest_of(watched.values())):
        return None
    plugins = tuple(_plugin(row) for row in content["plugins"])
    broken = tuple(
        BrokenDistribution(normalise(name), _text(origin), _text(reason))
        for name, origin, reason in content["broken"]
    )
    fits = {_text(specifier): held is True for specifier, held in content["fits"].items()}
    return Reading(plugins, broken, watched), fits


def _plugin(row: Any) -> Plugin:
    kind, name, distribution, version, value, origin, editable, requires_core = row
    return Plugin(
        kind=Kind(kind),
        name=_text(name),
        distribution=normalise(distribution),
        version=_text(version),
        value=_text(value),
        origin=_text(origin),
        editable=editable is True,
        requires_core=None if requires_core is None else _text(requires_core),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
