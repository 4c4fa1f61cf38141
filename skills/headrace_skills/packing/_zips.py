"""Zips of strangers, opened so that nothing in them can be believed wrongly.

A zip says everything twice, and readers differ in which they believe. What is read here is what
``zipfile`` reads, after the parts that bound its work were looked at; anything that two readers
could take for two things is refused.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import struct
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from headrace_skills._confined import parts_of
from headrace_skills.errors import SkillPathError
from headrace_skills.packing._contents import MAX_BYTES, collision
from headrace_skills.packing.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Entry", "Zip", "open_zip"]

MAX_ARCHIVE = MAX_BYTES
"""Bytes of the archive."""
MAX_ENTRIES = 20_000
MAX_DIRECTORY = 4 * 1024**2
"""Bytes of the list of entries: what is held in memory before any entry is looked at."""
MAX_RATIO = 200
_SMALL = 1024**2  # what may be packed as tightly as it likes

_END = b"PK\x05\x06"
_END_SIZE = 22
_LOCATOR = b"PK\x06\x07"
_LOCATOR_SIZE = 20
_LOCAL_SIZE = 30
_DRIVE = re.compile(r"[A-Za-z]:")
_CHUNK = 1024 * 1024
_SYMLINK_MAX = 1024
_ENCRYPTED = 0x1 | 0x40 | 0x2000


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a zip, or a link."""

    path: str
    size: int
    executable: bool
    link: bool
    info: zipfile.ZipInfo = field(repr=False)


@dataclass(frozen=True, slots=True)
class Zip:
    """A zip whose list of entries was checked."""

    entries: dict[str, Entry]
    """The files and links, by path."""
    sha256: str
    """The digest of the whole archive, in hexadecimal."""
    _archive: zipfile.ZipFile = field(repr=False)

    def read(self, path: str) -> bytes:
        """Read a file.

        Raises:
            ArchiveError: It is damaged, or not as long as the archive says.
        """
        entry = self.entries[path]
        try:
            with self._archive.open(entry.info) as file:
                data = file.read(entry.size + 1)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError) as error:
            raise ArchiveError(f"its file {path!r} cannot be read: {error}") from None
        if len(data) != entry.size:
            raise ArchiveError(f"its file {path!r} is not as long as the archive says")
        return data


@contextmanager
def open_zip(path: Path) -> Iterator[Zip]:
    """Open a zip.

    Raises:
        ArchiveError: It is no zip, over the bounds, or has entries that could be misread or
            could be written outside of a folder.
    """
    try:
        # Not blocking: a named pipe that nobody writes to would hold us up.
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as error:
        raise ArchiveError(f"{path} cannot be opened: {error.strerror}") from None
    with file:
        try:
            with _opened(file) as opened:
                yield opened
        except ArchiveError as error:
            raise ArchiveError(f"{path}: {error}") from None


@contextmanager
def _opened(file: BinaryIO) -> Iterator[Zip]:
    info = os.fstat(file.fileno())
    if not stat.S_ISREG(info.st_mode) or info.st_size > MAX_ARCHIVE:
        raise ArchiveError(f"it is no file of at most {MAX_ARCHIVE // 1024**2} MB")
    digest = _digest(file)
    directory = _check_end(file, info.st_size)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
        # ValueError: a name that says it is UTF-8, and is not.
        raise ArchiveError(f"it is not a zip that can be read: {error}") from None
    with archive:
        yield Zip(_checked(archive, directory), digest, archive)


def _digest(file: BinaryIO) -> str:
    total = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        total.update(chunk)
    return total.hexdigest()


def _check_end(file: BinaryIO, size: int) -> int:
    """Read the record at the end as ``zipfile`` will; give where the list of entries begins."""
    length = min(size, _END_SIZE + _LOCATOR_SIZE + 0xFFFF)
    file.seek(size - length)
    tail = file.read(length)
    at = len(tail) - _END_SIZE
    if at < 0 or tail[at : at + 4] != _END or tail[-2:] != b"\0\0":
        at = tail.rfind(_END)
    if at < 0 or at + _END_SIZE > len(tail):
        raise ArchiveError("it is not a zip: it has no list of entries")
    here, start, on_disk, total, listed, offset, comment = struct.unpack(
        "<HHHHLLH", tail[at + 4 : at + _END_SIZE]
    )
    if at + _END_SIZE + comment != len(tail):
        raise ArchiveError("something follows its end")
    if tail[max(at - _LOCATOR_SIZE, 0) : at].startswith(_LOCATOR):
        raise ArchiveError("it is a 64-bit zip, which none of this size needs to be")
    if here or start or on_disk != total:
        raise ArchiveError("it is a part of a zip")
    if listed > MAX_DIRECTORY or total > MAX_ENTRIES:
        raise ArchiveError(f"it has more than {MAX_ENTRIES:,} entries")
    begins: int = size - len(tail) + at - listed
    if begins != offset:
        raise ArchiveError("something stands before its beginning, or between its parts")
    return begins


def _checked(archive: zipfile.ZipFile, directory: int) -> dict[str, Entry]:
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise ArchiveError(f"it has more than {MAX_ENTRIES:,} entries")
    _check_apart(infos, directory)
    total = 0
    entries: dict[str, Entry] = {}
    for info in infos:
        path = _path(info)
        total += info.file_size
        if total > MAX_BYTES:
            raise ArchiveError(f"it unpacks to more than {MAX_BYTES // 1024**2} MB")
        if info.file_size > max(_SMALL, info.compress_size * MAX_RATIO):
            raise ArchiveError(f"its {path!r} unpacks to more than {MAX_RATIO} times its size")
        if info.flag_bits & _ENCRYPTED:
            raise ArchiveError(f"its {path!r} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveError(f"its {path!r} is compressed in a way that is not taken")
        entry = _entry(info, path)
        if path in entries:
            raise ArchiveError(f"it has {path!r} twice")
        if entry is not None:
            entries[path] = entry
    twins = collision(entries)
    if twins:
        raise ArchiveError(f"its {twins[0]!r} and {twins[1]!r} are one file on some systems")
    _check_tree(entries)
    return entries


def _check_tree(entries: dict[str, Entry]) -> None:
    files = {path.casefold() for path in entries}
    for path in entries:
        parts = path.casefold().split("/")
        if any("/".join(parts[:depth]) in files for depth in range(1, len(parts))):
            raise ArchiveError(f"its {path!r} lies below a file")


def _check_apart(infos: list[zipfile.ZipInfo], directory: int) -> None:
    """Refuse entries that share bytes: a few kilobytes could become terabytes."""
    placed = sorted(infos, key=lambda info: info.header_offset)
    ends = [info.header_offset for info in placed[1:]] + [directory]
    for info, end in zip(placed, ends, strict=True):
        least = _LOCAL_SIZE + len(info.orig_filename) + info.compress_size
        if info.header_offset < 0 or info.header_offset + least > end:
            raise ArchiveError("its entries overlap")


def _path(info: zipfile.ZipInfo) -> str:
    """The checked path of an entry, without the slash of a folder."""
    # What zipfile made of the name is cut at a NUL; what it read is not.
    said = info.orig_filename
    path = said.removesuffix("/")
    try:
        plain = "/".join(parts_of(path)) == path
    except SkillPathError:
        plain = False
    if not plain or _DRIVE.match(path) or not path.isprintable():
        raise ArchiveError(f"it has an entry {said[:200]!r}, which is no plain path within it")
    return path


def _entry(info: zipfile.ZipInfo, path: str) -> Entry | None:
    """The entry; None for a folder."""
    mode = info.external_attr >> 16 if info.create_system == 3 else 0  # noqa: PLR2004 - 3 is Unix
    kind = stat.S_IFMT(mode)
    if info.orig_filename.endswith("/"):
        if kind not in (0, stat.S_IFDIR) or info.file_size:
            raise ArchiveError(f"its folder {path!r} is not one")
        return None
    if kind not in (0, stat.S_IFREG, stat.S_IFLNK):
        raise ArchiveError(f"its {path!r} is neither a file nor a folder")
    link = kind == stat.S_IFLNK
    if link and info.file_size > _SYMLINK_MAX:
        raise ArchiveError(f"its link {path!r} is over-long")
    return Entry(path, info.file_size, bool(mode & 0o111), link, info)
