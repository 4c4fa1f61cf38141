"""Any folder a wheel, and back: what a skill consists of, packed, unpacked, and summed up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace_skills.packing._contents import (
        ContentFile,
        Contents,
        LeftOut,
        contents_of,
    )
    from headrace_skills.packing._packing import Archive, Packed, PackedSkill, pack
    from headrace_skills.packing._unpacking import Unpacked, unpack
    from headrace_skills.packing.errors import ArchiveError, PackingError

_HOMES = {
    "_contents": ("ContentFile", "Contents", "LeftOut", "contents_of"),
    "_packing": ("Archive", "Packed", "PackedSkill", "pack"),
    "_unpacking": ("Unpacked", "unpack"),
    "errors": ("ArchiveError", "PackingError"),
}

__all__ = [
    "Archive",
    "ArchiveError",
    "ContentFile",
    "Contents",
    "LeftOut",
    "Packed",
    "PackedSkill",
    "PackingError",
    "Unpacked",
    "contents_of",
    "pack",
    "unpack",
]

__getattr__ = lazily(__name__, _HOMES)
