"""What a request asks of a site: which file, in which form, which part of it."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from headrace_skills._confined import parts_of, resolve_beneath
from headrace_skills.errors import SkillPathError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Found", "Moved", "chosen_form", "find", "wanted_range"]

SIMPLE_JSON = "application/vnd.pypi.simple.v1+json"
_SIMPLE = {
    SIMPLE_JSON: SIMPLE_JSON,
    "application/vnd.pypi.simple.latest+json": SIMPLE_JSON,
    "application/vnd.pypi.simple.v1+html": "application/vnd.pypi.simple.v1+html",
    "application/vnd.pypi.simple.latest+html": "application/vnd.pypi.simple.v1+html",
    "text/html": "text/html; charset=utf-8",
    "text/*": "text/html; charset=utf-8",
    "*/*": "text/html; charset=utf-8",
}
"""What may be asked for, and the type that answers it (PEP 691)."""
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
}
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Found:
    """A file to send."""

    file: BinaryIO
    """It, opened."""
    size: int
    """Its bytes."""
    modified: float
    """When it was written."""
    etag: str
    """Names these bytes of it."""
    type: str
    """Its type."""
    varies: bool
    """Whether another request for the same address may get another form."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The right address of what was asked for, seen from the server's root."""

    path: str


def find(site: Path, target: str, accept: str) -> Found | Moved | None:
    """The file that a request means; ``None`` where the site has none, or shows none.

    Args:
        site: The site's folder.
        target: The request's target: path and query.
        accept: The types that the client takes.
    """
    path = unquote(urlsplit(target).path)
    inner = path.strip("/")
    parts = inner.split("/") if inner else []
    if any(part.startswith(".") for part in parts):
        return None
    is_simple = bool(parts) and parts[0] == "simple"
    if is_simple and len(parts) == 2 and not parts[1].endswith((".html", ".json")):  # noqa: PLR2004
        normal = canonicalize_name(parts[1])
        if parts[1] != normal or not path.endswith("/"):
            return Moved(f"/simple/{normal}/")
    content_type = ""
    if path.endswith("/") or not parts:
        content_type = (chosen_form(accept) or "") if is_simple else _TYPES[".html"]
        if not content_type:
            return None
        parts.append("index.json" if content_type == SIMPLE_JSON else _INDEX)
    found = _opened(site, "/".join(parts))
    if found is None:
        is_folder = not path.endswith("/") and _exists(site, f"{inner}/{_INDEX}")
        return Moved(f"/{inner}/") if is_folder else None
    file, info = found
    if not content_type:
        content_type = _TYPES.get(os.path.splitext(parts[-1])[1], "application/octet-stream")  # noqa: PTH122
    return Found(
        file=file,
        size=info.st_size,
        modified=info.st_mtime,
        etag=f'"{info.st_ino:x}-{info.st_mtime_ns:x}-{info.st_size:x}"',
        type=content_type,
        varies=is_simple,
    )


def chosen_form(accept: str) -> str | None:
    """The type to answer a request for a page of the simple API with; ``None``: none serves."""
    best, chosen = 0.0, None
    for item in (accept or "*/*").split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = 1.0
        for one in parameters:
            if one.startswith("q="):
                try:
                    quality = float(one[2:])
                except ValueError:
                    quality = 0.0
        if name in _SIMPLE and quality > best:
            best, chosen = quality, _SIMPLE[name]
    return chosen


def wanted_range(said: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last that a ``Range`` asks for; ``None``: all.

    Raises:
        ValueError: The file has no such bytes.
    """
    match = _RANGE.fullmatch(said.strip())
    if match is None or not (match[1] or match[2]):
        return None  # several ranges, or no bytes: all is a right answer
    if not match[1]:
        start, end = max(size - int(match[2]), 0), size
    else:
        start, end = int(match[1]), min(int(match[2] or size) + 1, size)
    if start >= end:
        raise ValueError(said)
    return start, end


def _exists(site: Path, path: str) -> bool:
    found = _opened(site, path)
    if found is not None:
        found[0].close()
    return found is not None


def _opened(site: Path, path: str) -> tuple[BinaryIO, os.stat_result] | None:
    try:
        parts_of(path)
        # Not blocking: a named pipe that nobody writes to would hold us up.
        descriptor = os.open(
            resolve_beneath(site, path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )
    except (SkillPathError, OSError, ValueError):
        return None
    info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode):
        os.close(descriptor)
        return None
    return os.fdopen(descriptor, "rb"), info
