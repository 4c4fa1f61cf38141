"""Archives whose bytes depend on what is in them, and on nothing else.

Deflate gives other bytes with another library, so members are stored as they are. Times are those
of ``SOURCE_DATE_EPOCH``, or the first that a zip can hold.
"""

from __future__ import annotations

import io
import os
import struct
import tarfile
import time
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace_skills.packing.errors import PackingError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Member", "as_tar_gz", "as_zip", "build_time"]

_FIRST, _LAST = 315_532_800, 4_354_819_198  # 1980 and 2107: what a zip can hold
_BLOCK = 0xFFFF


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive."""

    path: str
    data: bytes
    executable: bool = False


def build_time() -> int:
    """Give the time that archives are dated with, in seconds since 1970.

    Raises:
        PackingError: ``SOURCE_DATE_EPOCH`` is no number of seconds.
    """
    said = os.environ.get("SOURCE_DATE_EPOCH", str(_FIRST))
    try:
        seconds = int(said)
    except ValueError:
        raise PackingError(
            f"SOURCE_DATE_EPOCH is a number of seconds since 1970, and is {said[:80]!r}"
        ) from None
    return min(max(seconds, _FIRST), _LAST)


def as_zip(members: Iterable[Member], seconds: int) -> bytes:
    """Write a zip, its members in the order that is given."""
    date = time.gmtime(seconds)[:6]
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for member in members:
            info = zipfile.ZipInfo(member.path, date)
            info.create_system = 3  # Unix: the mode counts
            info.external_attr = (0o100755 if member.executable else 0o100644) << 16
            archive.writestr(info, member.data)
    return target.getvalue()


def as_tar_gz(members: Iterable[Member], seconds: int) -> bytes:
    """Write a gzipped tar, its members in the order that is given."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            info = tarfile.TarInfo(member.path)
            info.size = len(member.data)
            info.mode = 0o755 if member.executable else 0o644
            info.mtime = seconds
            archive.addfile(info, io.BytesIO(member.data))
    return _gzipped(target.getvalue(), seconds)


def _gzipped(data: bytes, seconds: int) -> bytes:
    """Frame bytes as gzip does, in stored blocks (RFC 1951 and 1952)."""
    parts = [struct.pack("<BBBBLBB", 0x1F, 0x8B, 8, 0, min(seconds, 0xFFFFFFFF), 0, 255)]
    for start in range(0, len(data) or 1, _BLOCK):
        block = data[start : start + _BLOCK]
        last = start + _BLOCK >= len(data)
        parts += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    parts.append(struct.pack("<LL", zlib.crc32(data), len(data) & 0xFFFFFFFF))
    return b"".join(parts)
