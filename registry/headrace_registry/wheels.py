"""What a wheel brings, read from the file alone: nothing is installed, imported or run.

This is what a registry's catalogue is made of.
"""

from __future__ import annotations

import configparser
import email.parser
import email.policy
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from headrace_registry._wheel_archive import open_wheel
from headrace_registry.errors import WheelError
from headrace_skills._text import one_line

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

    from headrace_registry._wheel_archive import WheelArchive

__all__ = ["Provided", "WheelEntry", "describe_wheel", "file_digest", "wheel_name"]

MAX_METADATA_BYTES = 1 << 20
"""The largest METADATA or entry_points.txt that is read."""
MAX_KEYWORDS = 50

_SUMMARY, _LICENCE, _WORD = 512, 200, 64  # characters that are kept
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_INFO = ".dist-info"


@dataclass(frozen=True, slots=True, order=True)
class Provided:
    """One plugin or skill of a wheel."""

    kind: str
    """The kind, such as ``chat_models`` or ``skills``."""
    name: str
    """Its name."""
    target: str
    """The entry point's value, or the path of the ``SKILL.md``."""


@dataclass(frozen=True, slots=True)
class WheelEntry:
    """A wheel, as its own files tell."""

    name: str
    """The distribution's normalised name."""
    version: str
    """Its version, in its normal form."""
    filename: str
    """The wheel's file name."""
    size: int
    """Its size in bytes."""
    sha256: str
    """Its digest, in hexadecimal."""
    summary: str
    """One line on what it is."""
    license: str
    """The licence expression, or the older field's text, on one line."""
    requires_python: str
    """The Pythons that it is for."""
    requires: tuple[str, ...]
    """What it requires, as it says it."""
    extras: tuple[str, ...]
    """The extras that it has, normalised and sorted."""
    keywords: tuple[str, ...]
    """Words to find it by."""
    provides: tuple[Provided, ...]
    """The headrace plugins and the skills that it brings, sorted."""
    skills: tuple[str, ...]
    """The folders of its skills, sorted."""
    metadata: bytes = field(repr=False)
    """Its METADATA."""

    @property
    def requires_core(self) -> str | None:
        """The versions of headrace-core that it works with; ``None``: it does not say."""
        for text in self.requires:
            requirement = Requirement(text)
            if canonicalize_name(requirement.name) == "headrace-core" and not requirement.marker:
                return str(requirement.specifier)
        return None


def wheel_name(filename: str) -> tuple[str, str]:
    """The normalised name and version in a wheel's file name.

    Raises:
        WheelError: It is not named like a wheel, or by letters that look like others.
    """
    if not filename.isascii() or not filename.isprintable() or "/" in filename:
        raise WheelError(
            f"{filename!r}: a wheel's file name has letters of ASCII only: others look like them"
        )
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise WheelError(str(error)) from None
    return str(name), str(version)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            total.update(chunk)
    return total.hexdigest()


def describe_wheel(path: Path, sha256: str | None = None) -> WheelEntry:
    """Reads a wheel.

    Args:
        path: The file.
        sha256: Its digest, where that is known already.

    Raises:
        WheelError: The file is no wheel, its parts disagree, or it is larger than what is read.
    """
    try:
        name, version = wheel_name(path.name)
    except WheelError as error:
        raise WheelError(f"{path}: {error}") from None
    with open_wheel(path) as archive:
        try:
            sha256 = sha256 or file_digest(path)
            size = path.stat().st_size
        except OSError as error:
            raise WheelError(f"cannot be read as a wheel: {error.strerror}") from None
        return _described(archive, path.name, name, version, size, sha256)


def _described(
    archive: WheelArchive, filename: str, name: str, version: str, size: int, sha256: str
) -> WheelEntry:
    folders = {entry.partition("/")[0] for entry in archive.names if f"{_INFO}/" in entry}
    infos = sorted(folder for folder in folders if folder.endswith(_INFO))
    if len(infos) != 1:
        raise WheelError(f"has {len(infos)} dist-info folders, a wheel has one")
    from headrace_skills.packing._layout import skills_of_wheel

    (info,) = infos
    metadata = archive.read(f"{info}/METADATA", MAX_METADATA_BYTES)
    if metadata is None:
        raise WheelError("has no METADATA")
    said = email.parser.Parser(policy=email.policy.compat32).parsestr(_text("METADATA", metadata))
    _check_names(said, name, version, info)
    requires = tuple(map(str, said.get_all("Requires-Dist", [])))
    for requirement in requires:
        try:
            Requirement(requirement)
        except InvalidRequirement as error:
            raise WheelError(f"requires {requirement!r}: {error}") from None
    points = archive.read(f"{info}/entry_points.txt", MAX_METADATA_BYTES)
    entry_points = _text("entry_points.txt", points or b"")
    skills = tuple(skills_of_wheel(archive.names, entry_points))
    return WheelEntry(
        name=name,
        version=version,
        filename=filename,
        size=size,
        sha256=sha256,
        summary=one_line(str(said["Summary"] or ""), _SUMMARY),
        license=one_line(str(said["License-Expression"] or said["License"] or ""), _LICENCE),
        requires_python=one_line(str(said["Requires-Python"] or ""), _LICENCE),
        requires=requires,
        extras=tuple(
            sorted({canonicalize_name(one) for one in said.get_all("Provides-Extra", [])})
        ),
        keywords=_keywords(str(said["Keywords"] or "")),
        provides=_provided(entry_points, skills, archive.names),
        skills=skills,
        metadata=metadata,
    )


def _check_names(said: Message, name: str, version: str, info: str) -> None:
    """The name and version stand in three places, and must be the same in all."""
    own_name, own_version = str(said["Name"] or ""), str(said["Version"] or "")
    try:
        same = Version(own_version) == Version(version)
    except InvalidVersion:
        same = False
    if not _NAME.fullmatch(own_name) or canonicalize_name(own_name) != name or not same:
        shown = canonicalize_name(own_name) if _NAME.fullmatch(own_name) else repr(own_name[:100])
        raise WheelError(
            f"is called {name} {version}, and its METADATA says {shown} {own_version[:100]}"
        )
    folder = info.removesuffix(_INFO).partition("-")[0]
    if canonicalize_name(folder) != name:
        raise WheelError(f"is called {name}, and its dist-info folder is that of {folder[:100]!r}")


def _keywords(said: str) -> tuple[str, ...]:
    words = said.split(",") if "," in said else said.split()
    clean = (one_line(word, _WORD) for word in words)
    return tuple(dict.fromkeys(filter(None, clean)))[:MAX_KEYWORDS]


def _provided(
    entry_points: str, skills: tuple[str, ...], names: tuple[str, ...]
) -> tuple[Provided, ...]:
    there = set(names)
    found = set()
    for home in skills:
        file = next(one for one in ("SKILL.md", "skill.md") if f"{home}/{one}" in there)
        found.add(Provided("skills", home.rpartition("/")[2], f"{home}/{file}"))
    by_folder = {skill.name for skill in found}
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign] # names keep their case
    try:
        parser.read_string(entry_points)
    except configparser.Error as error:
        raise WheelError(f"its entry_points.txt cannot be read: {error}") from None
    for section in parser.sections():
        group, _, kind = section.partition("headrace.")
        if group or not kind:
            continue
        for name, target in parser.items(section):
            if kind != "skills" or name not in by_folder:
                found.add(Provided(kind, name, target))
    return tuple(sorted(found))


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise WheelError(f"{name} is not UTF-8: {error}") from None
