"""What a wheel brings, read from the file alone: nothing is installed, imported or run.

This is what a registry's catalogue is made of.
"""

from __future__ import annotations

import configparser
import email.parser
import email.policy
import hashlib
import re
import zipfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from headrace_registry.errors import WheelError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Provided", "WheelEntry", "describe_wheel"]

MAX_METADATA_BYTES = 1 << 20
"""The largest METADATA or entry_points.txt that is read."""
MAX_FILES = 100_000
"""The most files that a wheel may have."""

_SKILL = re.compile(r"^(?:[^/]+/)*\.agents/skills/([^/]+)/SKILL\.md$")


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
    """A wheel, as a catalogue shows it."""

    name: str
    """The distribution's normalised name."""
    version: str
    """Its version."""
    filename: str
    """The wheel's file name."""
    size: int
    """Its size in bytes."""
    sha256: str
    """Its digest, in hexadecimal."""
    summary: str
    """One line on what it is."""
    license: str
    """The licence expression, or the older field's text."""
    requires_python: str
    """The Pythons that it is for."""
    requires: tuple[str, ...]
    """What it requires, as it says it."""
    provides: tuple[Provided, ...]
    """The headrace plugins and the skills that it brings, sorted."""

    @property
    def requires_core(self) -> str | None:
        """The versions of headrace-core that it works with; ``None``: it does not say."""
        for text in self.requires:
            requirement = Requirement(text)
            if canonicalize_name(requirement.name) == "headrace-core" and not requirement.marker:
                return str(requirement.specifier)
        return None

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON-like data."""
        return asdict(self)


def describe_wheel(path: Path) -> WheelEntry:
    """Reads a wheel.

    Raises:
        WheelError: The file is no wheel, its parts disagree, or it is larger than what is read.
    """
    try:
        name, version, _, _ = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        raise WheelError(f"{path}: {error}") from None
    try:
        with path.open("rb") as file:
            sha256 = (
                hashlib.file_digest(file, "sha256").hexdigest()
                if hasattr(hashlib, "file_digest")
                else hashlib.sha256(file.read()).hexdigest()
            )
        with zipfile.ZipFile(path) as archive:
            return _described(path, archive, str(name), str(version), sha256)
    except (OSError, zipfile.BadZipFile) as error:
        raise WheelError(f"{path}: cannot be read as a wheel: {error}") from None


def _described(
    path: Path, archive: zipfile.ZipFile, name: str, version: str, sha256: str
) -> WheelEntry:
    names = archive.namelist()
    if len(names) > MAX_FILES:
        raise WheelError(f"{path}: has {len(names)} files, more than {MAX_FILES}")
    if len(set(names)) != len(names):
        raise WheelError(f"{path}: has the same file name twice")
    folders = {entry.partition("/")[0] for entry in names if ".dist-info/" in entry}
    infos = sorted(folder for folder in folders if folder.endswith(".dist-info"))
    if len(infos) != 1:
        raise WheelError(f"{path}: has {len(infos)} dist-info folders, a wheel has one")
    text = _read(path, archive, f"{infos[0]}/METADATA")
    if text is None:
        raise WheelError(f"{path}: has no METADATA")
    metadata = email.parser.Parser(policy=email.policy.compat32).parsestr(text)
    said = (canonicalize_name(metadata["Name"] or ""), metadata["Version"] or "")
    if said != (name, version):
        raise WheelError(
            f"{path}: is called {name} {version}, and its METADATA says {said[0]} {said[1]}"
        )
    requires = tuple(metadata.get_all("Requires-Dist", []))
    for requirement in requires:
        try:
            Requirement(requirement)
        except InvalidRequirement as error:
            raise WheelError(f"{path}: requires {requirement!r}: {error}") from None
    return WheelEntry(
        name=name,
        version=version,
        filename=path.name,
        size=path.stat().st_size,
        sha256=sha256,
        summary=metadata["Summary"] or "",
        license=metadata["License-Expression"] or metadata["License"] or "",
        requires_python=metadata["Requires-Python"] or "",
        requires=requires,
        provides=_provided(path, _read(path, archive, f"{infos[0]}/entry_points.txt"), names),
    )


def _provided(path: Path, entry_points: str | None, names: list[str]) -> tuple[Provided, ...]:
    found = {
        Provided("skills", match[1], entry) for entry in names if (match := _SKILL.match(entry))
    }
    by_folder = {skill.name for skill in found}
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign] # names keep their case
    try:
        parser.read_string(entry_points or "")
    except configparser.Error as error:
        raise WheelError(f"{path}: its entry_points.txt cannot be read: {error}") from None
    for section in parser.sections():
        group, _, kind = section.partition("headrace.")
        if group or not kind:
            continue
        for name, target in parser.items(section):
            if kind != "skills" or name not in by_folder:
                found.add(Provided(kind, name, target))
    return tuple(sorted(found))


def _read(path: Path, archive: zipfile.ZipFile, name: str) -> str | None:
    try:
        info = archive.getinfo(name)
    except KeyError:
        return None
    if info.file_size > MAX_METADATA_BYTES:
        raise WheelError(f"{path}: {name} is larger than {MAX_METADATA_BYTES} bytes")
    with archive.open(info) as file:
        data = file.read(MAX_METADATA_BYTES + 1)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise WheelError(f"{path}: {name} is not UTF-8: {error}") from None
