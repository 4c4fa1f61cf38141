"""What of a wheel goes into a zip: its files where they belong, as they are packed in it.

Reading a wheel through costs more than copying it, and a wheel never changes: what was read is
kept beside the cached wheels, under the wheel's digest.
"""

from __future__ import annotations

import base64
import csv
import email.parser
import hashlib
import io
import json
import struct
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.jobs.manifest import SITE
from headrace_registry._wheel_archive import open_wheel
from headrace_registry.client._store import write_whole
from headrace_registry.errors import BundleError, WheelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from email.message import Message
    from pathlib import Path

__all__ = ["Member", "Wheel", "read_wheel"]

_FORMAT = 2
_LOCAL_SIZE = 30
_CHUNK = 1 << 20
_RUN_BITS = 0o111
_UNIX = 3
_ALGORITHMS = frozenset({"sha256", "sha384", "sha512"})


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a wheel."""

    path: str
    """Where it goes, in the zip."""
    offset: int
    """Where its packed bytes begin in the wheel."""
    packed: int
    """How many they are."""
    size: int
    """How many bytes they unpack to."""
    method: int
    """How they are packed: 0 stored, 8 deflated."""
    crc: int
    """Their CRC-32, unpacked."""
    sha256: str
    """Their digest, unpacked, in hexadecimal."""
    executable: bool
    """Whether it has a run bit."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel, read through."""

    name: str
    """The distribution's name, as it writes it."""
    version: str
    """Its version."""
    license: str
    """Its licence."""
    pure: bool
    """Whether it is the same for all platforms."""
    requires: tuple[str, ...]
    """What it requires (PEP 508)."""
    groups: tuple[str, ...]
    """The groups of its entry points."""
    modules: tuple[str, ...]
    """The names that it is imported by."""
    info: str
    """The name of its dist-info folder."""
    moved: bool
    """Whether some of its files go elsewhere than its RECORD says."""
    members: tuple[Member, ...]
    """Its files, sorted."""
    left_out: tuple[tuple[str, str], ...]
    """Files that do not belong on a worker, and why."""


def read_wheel(path: Path, sha256: str, cache: Path) -> Wheel:
    """Reads a wheel, once for each digest.

    Args:
        path: The wheel, whose digest is known to be right.
        sha256: That digest.
        cache: Where it is remembered, below ``members/``.

    Raises:
        WheelError: It is none, or its files are not those of its RECORD.
    """
    kept = cache / "members" / f"{sha256}-{_FORMAT}.json"
    found = _known(kept)
    if found is None:
        found = _read(path)
        data = {name: getattr(found, name) for name in Wheel.__slots__}
        data["members"] = [[getattr(m, n) for n in Member.__slots__] for m in found.members]
        write_whole(kept, json.dumps(data, separators=(",", ":")).encode())
    return found


def _known(kept: Path) -> Wheel | None:
    try:
        data: dict[str, Any] = json.loads(kept.read_bytes())
        members = tuple(Member(*one) for one in data.pop("members"))
        left_out = tuple((path, why) for path, why in data.pop("left_out"))
        for name in ("requires", "groups", "modules"):
            data[name] = tuple(data[name])
        return Wheel(members=members, left_out=left_out, **data)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _read(path: Path) -> Wheel:
    # A warm build reads no wheel, and need not wait for this.
    from headrace_registry._licenses import license_of

    with open_wheel(path), path.open("rb") as file, zipfile.ZipFile(file) as archive:
        infos = [one for one in archive.infolist() if not one.filename.endswith("/")]
        info = _info_folder(path, infos)
        record = _record(path, archive, info)
        metadata = _headers(path, archive, f"{info}/METADATA")
        wheel = _headers(path, archive, f"{info}/WHEEL")
        members: dict[str, Member] = {}
        left_out: list[tuple[str, str]] = []
        for one in infos:
            digest = _held(path, archive, one, record, info)
            place, why = _place(one.filename, archive, one, info)
            if place is None:
                left_out.append((one.filename, why))
                continue
            member = Member(
                path=place,
                offset=_data_offset(file, one),
                packed=one.compress_size,
                size=one.file_size,
                method=one.compress_type,
                crc=one.CRC,
                sha256=digest,
                executable=_executable(one),
            )
            if members.setdefault(place, member).sha256 != digest:
                raise WheelError(f"{path.name} has two different files for {place}")
        return Wheel(
            name=str(metadata["Name"]),
            version=str(metadata["Version"]),
            license=license_of(metadata),
            pure=str(wheel["Root-Is-Purelib"]).strip().lower() == "true",
            requires=tuple(map(str, metadata.get_all("Requires-Dist", []))),
            groups=_groups(archive, info),
            modules=_modules(members, info),
            info=info,
            moved=any(f"{SITE}/{one.filename}" not in members for one in infos),
            members=tuple(members[name] for name in sorted(members)),
            left_out=tuple(left_out),
        )


def _info_folder(path: Path, infos: Sequence[zipfile.ZipInfo]) -> str:
    folders = {one.filename.partition("/")[0] for one in infos}
    found = [one for one in folders if one.endswith(".dist-info")]
    if len(found) != 1:
        raise WheelError(f"{path.name} has {len(found)} dist-info folders, a wheel has one")
    return found[0]


def _record(path: Path, archive: zipfile.ZipFile, info: str) -> dict[str, str]:
    try:
        text = archive.read(f"{info}/RECORD").decode()
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise WheelError(f"{path.name} has no RECORD that can be read: {error}") from None
    return {row[0]: row[1] if len(row) > 1 else "" for row in rows}


def _headers(path: Path, archive: zipfile.ZipFile, name: str) -> Message:
    try:
        return email.parser.BytesParser().parsebytes(archive.read(name))
    except KeyError:
        raise WheelError(f"{path.name} has no {name}") from None


def _held(
    path: Path, archive: zipfile.ZipFile, one: zipfile.ZipInfo, record: dict[str, str], info: str
) -> str:
    """Holds a file against the wheel's own list; gives its SHA-256."""
    unlisted = (f"{info}/RECORD", f"{info}/RECORD.jws", f"{info}/RECORD.p7s")
    name = one.filename
    said = record.get(name)
    if said is None and name not in unlisted:
        raise WheelError(f"{path.name} holds {name}, which its RECORD does not list")
    algorithm, _, encoded = ("" if name in unlisted else said or "").partition("=")
    if algorithm and algorithm not in _ALGORITHMS:
        raise WheelError(f"{path.name}: its RECORD has a weak or unknown digest, {algorithm}")
    totals = {kind: hashlib.new(kind) for kind in {"sha256", algorithm or "sha256"}}
    with archive.open(one) as data:
        while chunk := data.read(_CHUNK):
            for total in totals.values():
                total.update(chunk)
    if algorithm:
        found = base64.urlsafe_b64encode(totals[algorithm].digest()).rstrip(b"=").decode()
        if found != encoded.rstrip("="):
            raise WheelError(f"{path.name}: {name} is not what its RECORD says")
    return totals["sha256"].hexdigest()


def _place(
    name: str, archive: zipfile.ZipFile, one: zipfile.ZipInfo, info: str
) -> tuple[str | None, str]:
    """Where a file goes, or why it stays behind."""
    top, _, rest = name.partition("/")
    if name.endswith((".pyc", ".pyo")):
        return None, "compiled on the worker"
    if top == info and rest in ("RECORD.jws", "RECORD.p7s", "direct_url.json", "REQUESTED"):
        return None, "of no use once installed"
    if not top.endswith(".data"):
        return f"{SITE}/{name}", ""
    scheme, _, below = rest.partition("/")
    if scheme in ("purelib", "platlib", "data"):
        return f"{SITE}/{below}", ""
    if scheme == "scripts":
        with archive.open(one) as data:
            if data.read(8).startswith(b"#!python"):
                return None, "a command, which workers do not type"
        return f"{SITE}/bin/{below}", ""
    return None, f"{scheme}: for compilers"


def _executable(one: zipfile.ZipInfo) -> bool:
    mode = one.external_attr >> 16 if one.create_system == _UNIX else 0
    return bool(mode & _RUN_BITS) or ".data/scripts/" in one.filename


def _data_offset(file: io.BufferedReader, one: zipfile.ZipInfo) -> int:
    file.seek(one.header_offset)
    head = file.read(_LOCAL_SIZE)
    name, extra = struct.unpack("<HH", head[26:30])
    return int(one.header_offset + _LOCAL_SIZE + name + extra)


def _groups(archive: zipfile.ZipFile, info: str) -> tuple[str, ...]:
    try:
        text = archive.read(f"{info}/entry_points.txt").decode("utf-8", "replace")
    except KeyError:
        return ()
    lines = (line.strip() for line in text.splitlines())
    return tuple(line[1:-1].strip() for line in lines if line.startswith("[") and line[-1:] == "]")


def _modules(members: dict[str, Member], info: str) -> tuple[str, ...]:
    found = set()
    for place in members:
        top, slash, _ = place.removeprefix(f"{SITE}/").partition("/")
        if slash:
            if top != info and top.isidentifier():
                found.add(top)
        elif top.endswith((".py", ".so")):
            found.add(top.partition(".")[0])
    return tuple(sorted(found))


def check_apart(wheels: Sequence[Wheel]) -> None:
    """Refuses two packages that have different files for one place.

    Raises:
        BundleError: It names both.
    """
    owners: dict[str, tuple[str, str]] = {}
    for wheel in wheels:
        for one in wheel.members:
            owner, digest = owners.setdefault(one.path, (wheel.name, one.sha256))
            if digest != one.sha256:
                raise BundleError(
                    f"{owner} and {wheel.name} both have a file {one.path}, and not the same\n"
                    "  next: one of the two has to go; `agents plugins why NAME` tells what "
                    "brings them in"
                )
