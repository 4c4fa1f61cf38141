"""Writes a zip whose bytes depend on nothing but its content.

Packing again would give other bytes with every release of the packing library. So what lies packed
in a wheel is copied as it is, and what is ours is stored unpacked. Names are sorted, times are the
earliest that a zip can hold, modes are 0644 or 0755. The layout is that of PKWARE's APPNOTE 6.3.
"""

from __future__ import annotations

import os
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from headrace_registry.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Entry", "write_zip"]

_STORED = 0
_DATE, _TIME = 0x0021, 0  # 1980-01-01, midnight
_UTF8 = 0x800
_MADE_BY = 3 << 8 | 45
_NEEDED, _NEEDED_64 = 20, 45
_FILE, _EXECUTABLE = 0o100644, 0o100755
_LARGEST = 0xFFFFFFFF
_MOST = 0xFFFF
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the zip: bytes of our own, or a piece of another zip."""

    name: str
    """Its path."""
    executable: bool = False
    """Whether it has a run bit."""
    data: bytes | None = None
    """Its bytes, to be stored."""
    source: Path | None = None
    """Else the file that holds its bytes, packed."""
    offset: int = 0
    """Where they begin in it."""
    packed: int = 0
    """How many they are."""
    size: int = 0
    """How many they unpack to."""
    method: int = _STORED
    """How they are packed."""
    crc: int = 0
    """Their CRC-32, unpacked."""


def write_zip(path: Path, entries: Iterable[Entry]) -> dict[str, int]:
    """Writes a zip, whole or not at all.

    Returns:
        By name, the bytes that each entry takes.

    Raises:
        BundleError: It cannot be written; a file has 4 GiB or more; or two have one name.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            sizes = _write(file, sorted(entries, key=lambda one: one.name))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise BundleError(
            f"{path} cannot be written: {error.strerror}\n"
            "  next: make room or get the right to write there, or write elsewhere: -o FILE"
        ) from None
    finally:
        with suppress(OSError):  # what went wrong before is what is told
            beside.unlink(missing_ok=True)
    return sizes


def _write(file: BinaryIO, entries: list[Entry]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    listed: list[bytes] = []
    sources: dict[Path, BinaryIO] = {}
    try:
        for one in entries:
            if one.name in sizes:
                raise BundleError(f"two files would be called {one.name}")
            began = file.tell()
            listed.append(_put(file, one, began, sources))
            sizes[one.name] = file.tell() - began
    finally:
        for source in sources.values():
            source.close()
    begins = file.tell()
    file.writelines(listed)
    _end(file, len(listed), begins)
    return sizes


def _put(file: BinaryIO, one: Entry, began: int, sources: dict[Path, BinaryIO]) -> bytes:
    """Writes one entry; gives its line in the list at the end."""
    if one.data is not None:
        crc, packed, size, method = zlib.crc32(one.data), len(one.data), len(one.data), _STORED
    else:
        crc, packed, size, method = one.crc, one.packed, one.size, one.method
    if max(packed, size) >= _LARGEST:
        raise BundleError(f"{one.name} has 4 GiB or more, which Flink cannot unpack")
    name = one.name.encode()
    flags = 0 if one.name.isascii() else _UTF8
    fixed = (flags, method, _TIME, _DATE, crc, packed, size, len(name))
    file.write(struct.pack("<4s5H3L2H", b"PK\x03\x04", _NEEDED, *fixed, 0))
    file.write(name)
    if one.data is not None:
        file.write(one.data)
    else:
        _copy(file, one, sources)
    far = began >= _LARGEST
    extra = struct.pack("<2HQ", 1, 8, began) if far else b""
    mode = (_EXECUTABLE if one.executable else _FILE) << 16
    head = struct.pack(
        "<4s6H3L5H2L",
        b"PK\x01\x02",
        _MADE_BY,
        _NEEDED_64 if far else _NEEDED,
        *fixed,
        len(extra),
        0,
        0,
        0,
        mode,
        _LARGEST if far else began,
    )
    return head + name + extra


def _copy(file: BinaryIO, one: Entry, sources: dict[Path, BinaryIO]) -> None:
    assert one.source is not None  # noqa: S101 - an entry has bytes or a source
    source = sources.get(one.source)
    if source is None:
        source = sources[one.source] = one.source.open("rb")
    source.seek(one.offset)
    left = one.packed
    while left:
        piece = source.read(min(left, _CHUNK))
        if not piece:
            raise BundleError(f"{one.source} changed while it was read")
        file.write(piece)
        left -= len(piece)


def _end(file: BinaryIO, count: int, begins: int) -> None:
    ends = file.tell()
    listed = ends - begins
    if count > _MOST or begins >= _LARGEST:
        file.write(
            struct.pack(
                "<4sQ2H2L4Q",
                b"PK\x06\x06",
                44,
                _MADE_BY,
                _NEEDED_64,
                0,
                0,
                count,
                count,
                listed,
                begins,
            )
        )
        file.write(struct.pack("<4sLQL", b"PK\x06\x07", 0, ends, 1))
    file.write(
        struct.pack(
            "<4s4H2LH",
            b"PK\x05\x06",
            0,
            0,
            min(count, _MOST),
            min(count, _MOST),
            min(listed, _LARGEST),
            min(begins, _LARGEST),
            0,
        )
    )
