"""A wheel or a job's zip, opened so that its list of files can be believed.

A zip says what it holds twice, in a list at its end and before each file, and installers differ
in which they believe. One in which the two disagree, or that holds what neither a wheel nor a job
has, is refused whole. Nothing is unpacked here.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from headrace_registry.errors import WheelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from headrace_registry.errors import RegistryError

__all__ = ["Entry", "WheelArchive", "open_archive", "open_wheel"]

MAX_FILES = 100_000
"""The most entries that one may have."""
MAX_LIST = 64 * 1024**2
"""Bytes of the list of entries, which is held in memory."""
MAX_RATIO = 200
"""How many times its size one may unpack to, beyond what any may."""
MAX_UNPACKED = 256 * 1024**2
"""What any may unpack to, however small it is."""

_END, _END_SIZE = b"PK\x05\x06", 22
_LOCATOR, _LOCATOR_SIZE = b"PK\x06\x07", 20
_END64, _END64_SIZE = b"PK\x06\x06", 56
_LOCAL, _LOCAL_SIZE = b"PK\x03\x04", 30
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_SIZES_FOLLOW = 0x8
_IS_UTF8 = 0x800
_UNKNOWN = 0xFFFFFFFF  # the size stands in a 64-bit field
_UNIX = 3
_DRIVE = re.compile(r"[A-Za-z]:")


class _RefusedError(Exception):
    """Why one is refused; the caller's own error says it."""


class _UnreadableError(_RefusedError):
    """It is no zip at all, or not a whole one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of an archive, as list and head agree."""

    name: str
    """Its path."""
    offset: int
    """Where its packed bytes begin in the archive."""
    packed: int
    """How many bytes they are."""
    size: int
    """Its size."""
    crc: int
    """Its check sum, as Java's unpackers hold it against the content."""
    deflated: bool
    """Whether it is deflated; else it is stored."""
    mode: int | None
    """Its mode, with the kind of file; ``None`` where the archive has none."""
    time: tuple[int, ...]
    """When it was written, as the archive says: year, month, day, hour, minute, second."""


@dataclass(frozen=True, slots=True)
class WheelArchive:
    """A wheel's or a job's files, by name."""

    names: tuple[str, ...]
    """The paths of its files, in their order."""
    entries: tuple[Entry, ...] = field(repr=False)
    """Its files, in their order."""
    folders: tuple[str, ...] = field(repr=False)
    """The folders that have entries of their own."""
    descriptor: int = field(repr=False)
    """The open file; closed with the archive."""
    _archive: zipfile.ZipFile = field(repr=False)
    _fault: type[RegistryError] = field(repr=False)

    def read(self, name: str, limit: int) -> bytes | None:
        """Reads a file; ``None`` where there is none.

        Raises:
            RegistryError: It has more than ``limit`` bytes, or is damaged; it is of the kind that
                the archive was opened with.
        """
        try:
            info = self._archive.getinfo(name)
        except KeyError:
            return None
        if info.file_size > limit:
            raise self._fault(f"{name} is larger than {limit} bytes")
        try:
            with self._archive.open(info) as file:
                return file.read(limit + 1)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError) as error:
            raise self._fault(f"{name} cannot be read: {error}") from None


@contextmanager
def open_wheel(path: Path) -> Iterator[WheelArchive]:
    """Opens a wheel.

    Raises:
        WheelError: It is no zip, or one that no installer should be given; says which and why.
    """
    with open_archive(path, "wheel", WheelError) as archive:
        yield archive


@contextmanager
def open_archive(path: Path, what: str, fault: type[RegistryError]) -> Iterator[WheelArchive]:
    """Opens a zip.

    Args:
        path: The file.
        what: What it should be, such as ``wheel``.
        fault: The error to raise.

    Raises:
        RegistryError: A ``fault``: it is no zip, or one that nothing should be unpacked from; says
            which and why. One that is raised while it is open is told with the file's path.
    """
    try:
        # Not blocking: a named pipe that nobody writes to would hold us up.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise fault(f"{path}: cannot be read as a {what}: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        try:
            with _opened(file, fault) as archive:
                yield archive
        except _UnreadableError as error:
            raise fault(f"{path}: cannot be read as a {what}: {error}") from None
        except _RefusedError as error:
            raise fault(f"{path}: {error}") from None
        except fault as error:
            if str(error).startswith(f"{path}: "):
                raise
            raise fault(f"{path}: {error}") from None


@contextmanager
def _opened(file: BinaryIO, fault: type[RegistryError]) -> Iterator[WheelArchive]:
    info = os.fstat(file.fileno())
    if not stat.S_ISREG(info.st_mode):
        raise _UnreadableError("it is no file")
    begins = _check_end(file, info.st_size)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
        raise _UnreadableError(str(error)) from None
    with archive:
        infos = archive.infolist()
        _check_list(infos, info.st_size)
        offsets = _check_heads(file, infos, begins)
        entries = tuple(
            _entry(one, offsets[one.header_offset])
            for one in infos
            if not one.filename.endswith("/")
        )
        yield WheelArchive(
            names=tuple(one.name for one in entries),
            entries=entries,
            folders=tuple(one.filename for one in infos if one.filename.endswith("/")),
            descriptor=file.fileno(),
            _archive=archive,
            _fault=fault,
        )


def _entry(info: zipfile.ZipInfo, offset: int) -> Entry:
    return Entry(
        name=info.filename,
        offset=offset,
        packed=info.compress_size,
        size=info.file_size,
        crc=info.CRC,
        deflated=info.compress_type == zipfile.ZIP_DEFLATED,
        mode=info.external_attr >> 16 if info.create_system == _UNIX else None,
        time=info.date_time,
    )


def _check_end(file: BinaryIO, size: int) -> int:
    """Reads the record at the end; gives where the list of entries begins."""
    if not size:
        raise _UnreadableError("it is empty")
    length = min(size, _END_SIZE + 0xFFFF)
    begins_well = file.read(len(_LOCAL)) == _LOCAL
    file.seek(size - length)
    tail = file.read(length)
    at = tail.rfind(_END)
    if at < 0 or at + _END_SIZE > len(tail):
        if not begins_well:
            raise _UnreadableError("it is no zip")
        raise _UnreadableError(
            f"it was cut short: {size:,} bytes are there, and its end is not; a copy, an upload "
            "or a download broke off"
        )
    here, start, _, total, listed, offset, comment = struct.unpack(
        "<HHHHLLH", tail[at + 4 : at + _END_SIZE]
    )
    if at + _END_SIZE + comment != len(tail):
        raise _RefusedError("something follows its end")
    if here or start:
        raise _RefusedError("it is a part of a zip")
    ends = size - length + at
    file.seek(max(ends - _LOCATOR_SIZE, 0))
    locator = file.read(_LOCATOR_SIZE)
    if locator.startswith(_LOCATOR) and len(locator) == _LOCATOR_SIZE:
        ends -= _LOCATOR_SIZE + _END64_SIZE
        file.seek(max(ends, 0))
        record = file.read(_END64_SIZE)
        if ends < 0 or not record.startswith(_END64):
            raise _RefusedError("its 64-bit end cannot be read")
        total, listed, offset = struct.unpack("<QQQ", record[32:56])
    if listed > MAX_LIST or total > MAX_FILES:
        raise _RefusedError(f"has more than {MAX_FILES} files")
    missing = offset - (ends - listed)
    if missing > 0:
        raise _UnreadableError(
            f"it was cut short: its end tells of {size + missing:,} bytes, and there are {size:,}"
        )
    if missing:
        raise _RefusedError("something stands before its beginning, or between its parts")
    return int(offset)


def _check_list(infos: list[zipfile.ZipInfo], size: int) -> None:
    if len(infos) > MAX_FILES:
        raise _RefusedError(f"has {len(infos)} files, more than {MAX_FILES}")
    seen: set[str] = set()
    total = 0
    for info in infos:
        name = info.orig_filename
        plain = name.removesuffix("/")
        if plain in seen:
            raise _RefusedError(f"has the same file name twice: {plain[:200]!r}")
        seen.add(plain)
        parts = plain.split("/")
        odd = "\\" in plain or "\0" in plain or _DRIVE.match(plain) or not plain.isprintable()
        if odd or any(part in ("", ".", "..") for part in parts):
            raise _RefusedError(f"its entry {name[:200]!r} is no plain path within it")
        mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
        kind = stat.S_IFMT(mode)
        if kind not in (0, stat.S_IFDIR if name.endswith("/") else stat.S_IFREG):
            raise _RefusedError(
                f"its {name[:200]!r} is a link or no plain file, which has no place in it"
            )
        if info.flag_bits & _ENCRYPTED:
            raise _RefusedError(f"its {name[:200]!r} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _RefusedError(
                f"its {name[:200]!r} is packed in a way that not every installer takes"
            )
        total += info.file_size
    if total > max(MAX_UNPACKED, size * MAX_RATIO):
        raise _RefusedError(f"unpacks to {total} bytes, more than {MAX_RATIO} times its size")
    files = {one.orig_filename for one in infos if not one.orig_filename.endswith("/")}
    above: set[str] = set()
    for name in seen:
        parent = name.rpartition("/")[0]
        while parent and parent not in above:
            if parent in files:
                raise _RefusedError(f"its {name[:200]!r} lies below a file")
            above.add(parent)
            parent = parent.rpartition("/")[0]


def _check_heads(file: BinaryIO, infos: list[zipfile.ZipInfo], begins: int) -> dict[int, int]:
    """Holds what stands before each file against the list; and each apart from the next.

    Returns:
        For the place of each head, where the file's bytes begin.
    """
    found: dict[int, int] = {}
    placed = sorted(infos, key=lambda one: one.header_offset)
    ends = [one.header_offset for one in placed[1:]] + [begins]
    for info, end in zip(placed, ends, strict=True):
        file.seek(max(info.header_offset, 0))
        head = file.read(_LOCAL_SIZE)
        if len(head) < _LOCAL_SIZE or not head.startswith(_LOCAL):
            raise _RefusedError(f"its {info.filename[:200]!r} is not where its list says")
        _, flags, method, _, _, crc, packed, unpacked, length, extra = struct.unpack(
            "<HHHHHLLLHH", head[4:]
        )
        raw = file.read(length)
        found[info.header_offset] = start = info.header_offset + _LOCAL_SIZE + length + extra
        if start + info.compress_size > end:
            raise _RefusedError("its entries overlap")
        name = raw.decode("utf-8" if flags & _IS_UTF8 else "cp437", "replace")
        agree = (name, method) == (info.orig_filename, info.compress_type)
        for said, listed in (
            (crc, info.CRC),
            (packed, info.compress_size),
            (unpacked, info.file_size),
        ):
            unsaid = flags & _SIZES_FOLLOW and said == 0
            agree = agree and (said in (listed, _UNKNOWN) or bool(unsaid))
        if not agree:
            raise _RefusedError(
                f"its list and what stands before {info.filename[:200]!r} disagree: "
                "two installers could see two contents in it"
            )
    return found
