"""A wheel's zip, opened so that its list of files can be believed.

A zip says what it holds twice, in a list at its end and before each file, and installers differ
in which they believe. A wheel in which the two disagree, or that holds what no wheel has, is
refused whole. Nothing is unpacked here.
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

__all__ = ["WheelArchive", "open_wheel"]

MAX_FILES = 100_000
"""The most entries that a wheel may have."""
MAX_LIST = 64 * 1024**2
"""Bytes of the list of entries, which is held in memory."""
MAX_RATIO = 200
"""How many times its size a wheel may unpack to, beyond what any may."""
MAX_UNPACKED = 256 * 1024**2
"""What any wheel may unpack to, however small it is."""

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


@dataclass(frozen=True, slots=True)
class WheelArchive:
    """A wheel's files, by name."""

    names: tuple[str, ...]
    """The paths of its files, in their order."""
    _archive: zipfile.ZipFile = field(repr=False)

    def read(self, name: str, limit: int) -> bytes | None:
        """Reads a file; ``None`` where there is none.

        Raises:
            WheelError: It has more than ``limit`` bytes, or is damaged.
        """
        try:
            info = self._archive.getinfo(name)
        except KeyError:
            return None
        if info.file_size > limit:
            raise WheelError(f"{name} is larger than {limit} bytes")
        try:
            with self._archive.open(info) as file:
                return file.read(limit + 1)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError) as error:
            raise WheelError(f"{name} cannot be read: {error}") from None


@contextmanager
def open_wheel(path: Path) -> Iterator[WheelArchive]:
    """Opens a wheel.

    Raises:
        WheelError: It is no zip, or one that no installer should be given; says which and why.
    """
    try:
        # Not blocking: a named pipe that nobody writes to would hold us up.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise WheelError(f"{path}: cannot be read as a wheel: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        try:
            with _opened(file) as archive:
                yield archive
        except WheelError as error:
            if str(error).startswith(f"{path}: "):
                raise
            raise WheelError(f"{path}: {error}") from None


@contextmanager
def _opened(file: BinaryIO) -> Iterator[WheelArchive]:
    info = os.fstat(file.fileno())
    if not stat.S_ISREG(info.st_mode):
        raise WheelError("cannot be read as a wheel: it is no file")
    begins = _check_end(file, info.st_size)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
        raise WheelError(f"cannot be read as a wheel: {error}") from None
    with archive:
        infos = archive.infolist()
        _check_list(infos, info.st_size)
        _check_heads(file, infos, begins)
        names = tuple(one.filename for one in infos if not one.filename.endswith("/"))
        yield WheelArchive(names, archive)


def _check_end(file: BinaryIO, size: int) -> int:
    """Reads the record at the end; gives where the list of entries begins."""
    length = min(size, _END_SIZE + 0xFFFF)
    file.seek(size - length)
    tail = file.read(length)
    at = tail.rfind(_END)
    if at < 0 or at + _END_SIZE > len(tail):
        raise WheelError("cannot be read as a wheel: it is no zip")
    here, start, _, total, listed, offset, comment = struct.unpack(
        "<HHHHLLH", tail[at + 4 : at + _END_SIZE]
    )
    if at + _END_SIZE + comment != len(tail):
        raise WheelError("something follows its end")
    if here or start:
        raise WheelError("it is a part of a zip")
    ends = size - length + at
    file.seek(max(ends - _LOCATOR_SIZE, 0))
    locator = file.read(_LOCATOR_SIZE)
    if locator.startswith(_LOCATOR) and len(locator) == _LOCATOR_SIZE:
        ends -= _LOCATOR_SIZE + _END64_SIZE
        file.seek(max(ends, 0))
        record = file.read(_END64_SIZE)
        if ends < 0 or not record.startswith(_END64):
            raise WheelError("its 64-bit end cannot be read")
        total, listed, offset = struct.unpack("<QQQ", record[32:56])
    if listed > MAX_LIST or total > MAX_FILES:
        raise WheelError(f"has more than {MAX_FILES} files")
    if ends - listed != offset:
        raise WheelError("something stands before its beginning, or between its parts")
    return int(offset)


def _check_list(infos: list[zipfile.ZipInfo], size: int) -> None:
    if len(infos) > MAX_FILES:
        raise WheelError(f"has {len(infos)} files, more than {MAX_FILES}")
    seen: set[str] = set()
    total = 0
    for info in infos:
        name = info.orig_filename
        plain = name.removesuffix("/")
        if plain in seen:
            raise WheelError(f"has the same file name twice: {plain[:200]!r}")
        seen.add(plain)
        parts = plain.split("/")
        odd = "\\" in plain or "\0" in plain or _DRIVE.match(plain) or not plain.isprintable()
        if odd or any(part in ("", ".", "..") for part in parts):
            raise WheelError(f"its entry {name[:200]!r} is no plain path within it")
        mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
        kind = stat.S_IFMT(mode)
        if kind not in (0, stat.S_IFDIR if name.endswith("/") else stat.S_IFREG):
            raise WheelError(f"its {name[:200]!r} is a link or no plain file: wheels have none")
        if info.flag_bits & _ENCRYPTED:
            raise WheelError(f"its {name[:200]!r} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise WheelError(
                f"its {name[:200]!r} is packed in a way that not every installer takes"
            )
        total += info.file_size
    if total > max(MAX_UNPACKED, size * MAX_RATIO):
        raise WheelError(f"unpacks to {total} bytes, more than {MAX_RATIO} times its size")
    files = {one.orig_filename for one in infos if not one.orig_filename.endswith("/")}
    for name in seen:
        parts = name.split("/")
        if any("/".join(parts[:depth]) in files for depth in range(1, len(parts))):
            raise WheelError(f"its {name[:200]!r} lies below a file")


def _check_heads(file: BinaryIO, infos: list[zipfile.ZipInfo], begins: int) -> None:
    """Holds what stands before each file against the list; and each apart from the next."""
    placed = sorted(infos, key=lambda one: one.header_offset)
    ends = [one.header_offset for one in placed[1:]] + [begins]
    for info, end in zip(placed, ends, strict=True):
        file.seek(max(info.header_offset, 0))
        head = file.read(_LOCAL_SIZE)
        if len(head) < _LOCAL_SIZE or not head.startswith(_LOCAL):
            raise WheelError(f"its {info.filename[:200]!r} is not where its list says")
        _, flags, method, _, _, crc, packed, unpacked, length, extra = struct.unpack(
            "<HHHHHLLLHH", head[4:]
        )
        raw = file.read(length)
        if info.header_offset + _LOCAL_SIZE + length + extra + info.compress_size > end:
            raise WheelError("its entries overlap")
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
            raise WheelError(
                f"its list and what stands before {info.filename[:200]!r} disagree: "
                "two installers could see two wheels in it"
            )
