"""Reading plugins out of distributions' metadata; nothing of theirs is imported."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.plugins._listing import POINTS, stamp
from headrace.plugins._model import (
    BrokenDistribution,
    DistributionName,
    Kind,
    Plugin,
    Reading,
    normalise,
)

if TYPE_CHECKING:
    from importlib.metadata import PathDistribution

    from headrace.plugins._listing import Listing
    from headrace.plugins._model import Stamp

__all__ = ["read_plugins"]

_OUR_HEADER = b"[headrace."
_KINDS = {kind.group: kind for kind in Kind}
_CORE = "headrace-core"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9.!+_-]+")


class _MetadataError(Exception):
    """A distribution's metadata is at fault; the text is the reason."""


@dataclass(slots=True)
class _Reader:
    """One reading: what was found so far."""

    plugins: list[Plugin] = field(default_factory=list)
    broken: list[BrokenDistribution] = field(default_factory=list)
    watched: dict[str, Stamp | None] = field(default_factory=dict)

    def watch(self, path: str) -> Stamp | None:
        return self.watched.setdefault(path, stamp(path))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A metadata folder that was listed."""

    place: str
    folder: str
    has_points: bool
    archived: PathDistribution | None = None

    @property
    def origin(self) -> str:
        return f"{self.place}/{self.folder}"

    @property
    def name(self) -> DistributionName:
        stem, _, suffix = self.folder.rpartition(".")
        # Versions in folder names hold no hyphen. Old dist-info names do; names of egg-info
        # do not, but a Python tag follows their version.
        if suffix == "dist-info" and "-" in stem:
            return normalise(stem.rpartition("-")[0])
        return normalise(stem.partition("-")[0] if suffix == "egg-info" else stem)

    def opened(self) -> PathDistribution:
        if self.archived is not None:
            return self.archived
        # Importing this takes longer than reading ten distributions: not for the cached way.
        from importlib.metadata import PathDistribution

        return PathDistribution(Path(self.origin))

    def points(self) -> str | None:
        """Read the entry points, or None where none of them can be ours."""
        if not self.has_points:
            return None
        if self.archived is not None:
            content = (self.archived.read_text(POINTS) or "").encode()
        else:
            with open(f"{self.origin}/{POINTS}", "rb") as file:  # noqa: PTH123 - 500 of them
                content = file.read()
        return content.decode() if _OUR_HEADER in content else None


def read_plugins(listing: Listing) -> Reading:
    """Read the plugins of all distributions in a listing.

    Of a distribution that stands on the path twice the first counts, as it would for
    ``import``. What is wrong with one distribution is told in the answer, never raised.
    """
    reader = _Reader()
    with ExitStack() as archives:
        same_name: dict[DistributionName, list[_Candidate]] = {}
        for candidate in _candidates(listing, archives):
            same_name.setdefault(candidate.name, []).append(candidate)
        for name, candidates in same_name.items():
            chosen = candidates[0]
            try:
                if len(candidates) > 1:
                    chosen = _first(candidates, reader)
                _read_one(chosen, reader)
            except _MetadataError as error:
                reader.broken.append(BrokenDistribution(name, chosen.origin, str(error)))
            except Exception as error:  # noqa: BLE001 - whatever it is, only this one is broken
                reason = f"its metadata cannot be read: {type(error).__name__}: {error}"
                reader.broken.append(BrokenDistribution(name, chosen.origin, reason))
    reader.plugins.sort(key=lambda one: (one.kind.value, one.name, one.distribution))
    return Reading(tuple(reader.plugins), tuple(reader.broken), reader.watched)


def _candidates(listing: Listing, archives: ExitStack) -> list[_Candidate]:
    found: list[_Candidate] = []
    for place in listing.places:
        if place.archive:
            found += _archived(place.path, archives)
        else:
            found += [_Candidate(place.path, folder, points) for folder, points in place.infos]
    return found


def _archived(path: str, archives: ExitStack) -> list[_Candidate]:
    import zipfile
    from importlib.metadata import PathDistribution

    try:
        archive = archives.enter_context(zipfile.ZipFile(path))
        names = archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return []  # Python imports nothing from it either
    tops = dict.fromkeys(name.partition("/")[0] for name in names if "/" in name)
    return [
        _Candidate(
            path,
            top,
            f"{top}/{POINTS}" in names,
            PathDistribution(zipfile.Path(archive, f"{top}/")),
        )
        for top in sorted(tops)
        if top.endswith(".dist-info")
    ]


def _first(candidates: list[_Candidate], reader: _Reader) -> _Candidate:
    """Tell which of several metadata folders of one name is the installed distribution's."""
    # A folder without METADATA is what is left of a removal: it hides nothing.
    whole = [
        one
        for one in candidates
        if one.archived is not None
        or reader.watch(f"{one.origin}/METADATA")
        or reader.watch(f"{one.origin}/PKG-INFO")
    ] or candidates
    here = [one for one in whole if one.place == whole[0].place]
    if len(here) == 1:
        return here[0]
    # Two in one folder: an installation was interrupted. The later one wrote the modules.
    latest = max(here, key=lambda one: (reader.watch(one.origin) or (0,), one.folder))
    if any(one.points() for one in here if one.has_points):
        names = " and ".join(one.folder for one in here)
        reader.broken.append(
            BrokenDistribution(
                latest.name,
                latest.origin,
                f"{names} stand side by side, which no installer leaves; {latest.folder} is the "
                f"later and is taken: install {latest.name} anew",
            )
        )
    return latest


def _read_one(candidate: _Candidate, reader: _Reader) -> None:
    try:
        text = candidate.points()
    except UnicodeDecodeError:
        raise _MetadataError(f"its {POINTS} is not UTF-8") from None
    except OSError as error:
        # It cannot be told whether it has plugins for us; silence could hide one that has.
        raise _MetadataError(f"its {POINTS} cannot be read: {error.strerror}") from None
    if text is None:
        return
    points = [(kind, name, value) for kind, name, value in _parse(text)]
    if not points:
        return
    if candidate.archived is None:
        for file in ("METADATA", "PKG-INFO", "direct_url.json", "requires.txt"):
            reader.watch(f"{candidate.origin}/{file}")
    opened = candidate.opened()
    if not (opened.read_text("METADATA") or opened.read_text("PKG-INFO")):
        raise _MetadataError("its METADATA is missing, empty or unreadable")
    name = str(opened.metadata["Name"] or "").strip()
    version = str(opened.metadata["Version"] or "").strip()
    if not _NAME.fullmatch(name):
        raise _MetadataError(f"its METADATA has no valid Name: {name!r}")
    if not _VERSION.fullmatch(version):
        raise _MetadataError(f"its METADATA has no valid Version: {version!r}")
    editable = _is_editable(opened.read_text("direct_url.json"))
    requires_core = _core_specifier(opened.requires or [])
    reader.plugins += [
        Plugin(
            kind=kind,
            name=point,
            distribution=normalise(name),
            version=version,
            value=value,
            origin=candidate.origin,
            editable=editable,
            requires_core=requires_core,
        )
        for kind, point, value in points
    ]


def _parse(text: str) -> list[tuple[Kind, str, str]]:
    """Read our entry points, strictly.

    The standard library's reader passes over a header that is not closed, and with it over all
    plugins below; an author would look for them in vain.
    """
    found: dict[tuple[Kind, str], str] = {}
    section: str | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith(("#", ";")):
            continue
        where = f"its {POINTS} is malformed in line {number}: "
        if line.startswith("["):
            if not line.endswith("]"):
                raise _MetadataError(where + f"the header {line!r} is not closed")
            section = line[1:-1]
            continue
        if section is None:
            raise _MetadataError(where + f"{line!r} stands before any [group]")
        name, _, value = (part.strip() for part in line.partition("="))
        if not name or not value:
            raise _MetadataError(where + f"{line!r} is not NAME = MODULE:ATTRIBUTE")
        kind = _KINDS.get(section)
        if kind is None:
            continue
        if found.setdefault((kind, name), value) != value:
            raise _MetadataError(where + f"{kind}.{name} is given a second time")
    return [(kind, name, value) for (kind, name), value in found.items()]


def _is_editable(direct_url: str | None) -> bool:
    try:
        return json.loads(direct_url or "{}")["dir_info"]["editable"] is True
    except (ValueError, KeyError, TypeError, RecursionError):
        return False  # it tells nothing that a plugin needs


def _core_specifier(requirements: list[str]) -> str | None:
    ours = [
        line
        for line in requirements
        if (name := _NAME.match(line.strip())) and normalise(name.group()) == _CORE
    ]
    if not ours:
        return None
    from packaging.requirements import (
        InvalidRequirement,
        Requirement,
    )
    from packaging.specifiers import SpecifierSet

    wanted = SpecifierSet()
    for line in ours:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            raise _MetadataError(f"its METADATA has a malformed Requires-Dist: {line!r}") from None
        # A requirement of an extra does not bind the plugin itself.
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            wanted &= requirement.specifier
    return str(wanted) or None
