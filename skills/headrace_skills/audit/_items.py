"""Files as such: links, programs, archives, names, and what is not what its name says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace_skills.audit._model import Fact, Severity
from headrace_skills.audit._table import found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.audit._files import Item
    from headrace_skills.audit._model import Finding

__all__ = ["is_text", "read_item"]

_PROGRAMS = {
    b"\x7fELF": "a Linux program",
    b"MZ": "a Windows program",
    b"\xcf\xfa\xed\xfe": "a macOS program",
    b"\xce\xfa\xed\xfe": "a macOS program",
    b"\xca\xfe\xba\xbe": "a macOS program or a Java class",
    b"\0asm": "a WebAssembly program",
    b"!<arch>\n": "a library",
    b"dex\n": "an Android program",
}
_ARCHIVES = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "rar",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_OFFICE = (b"[Content_Types].xml", b"mimetypeapplication/")
_BYTECODE = (".pyc", ".pyo", ".class", ".so", ".dll", ".dylib", ".node", ".pyd")
_PACKAGES = (".whl", ".egg", ".jar", ".apk", ".dmg", ".pkg", ".msi", ".deb", ".rpm", ".exe")
_RUN_BY_PYTHON = re.compile(r"(?:^|/)(?:sitecustomize|usercustomize)\.py$|\.pth$")
_AGENT = re.compile(
    r"(?:^|/)(?:\.claude/(?:settings|hooks)|\.cursor/|\.mcp\.json$|\.vscode/tasks\.json$|\.codex/)"
)
_IMAGES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".webp",
    ".ico",
    ".bmp",
    ".pdf",
    ".mp3",
    ".mp4",
    ".ttf",
    ".woff2",
)
_ZIP_FLAGS = 6  # where they stand in the header of a zip's first file
_TEXTUAL = 0.85
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))


def is_text(item: Item) -> bool:
    """Whether the bytes can be read as text."""
    data = item.data[:4096]
    if not data or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return bool(data)
    if b"\0" in data:
        return False
    return len(data.translate(None, _CONTROLS)) >= _TEXTUAL * len(data)


def read_item(item: Item) -> Iterator[Finding | Fact]:
    """Find what a file is, by its name, its mode and its first bytes."""
    if item.link is not None:
        if item.leaves:
            yield found("files/link-out", item.path, repr(item.link[:120]))
        return
    suffix = "." + item.path.rpartition(".")[2].lower()
    program = next((said for magic, said in _PROGRAMS.items() if item.data.startswith(magic)), None)
    if program == "a Windows program" and is_text(item):
        program = None
    archive = next((said for magic, said in _ARCHIVES.items() if item.data.startswith(magic)), None)
    if program or suffix in _BYTECODE:
        what = program or "compiled code"
        yield Fact("carries", f"{item.path}: {what}", item.path, 0)
        yield found("files/program", item.path, f"{what}, {item.size:,} bytes")
    elif suffix in _PACKAGES:
        yield Fact("carries", f"{item.path}: a package", item.path, 0)
        yield found("files/package", item.path)
    elif archive:
        yield from _archive(item, archive)
    elif suffix in _IMAGES and is_text(item) and item.size:
        run = item.data.startswith(b"#!") or item.executable
        yield found("files/disguised", item.path, suffix, severity=Severity.HIGH if run else None)
    if _RUN_BY_PYTHON.search(item.path):
        yield found("files/run-by-python", item.path)
    if _AGENT.search(item.path):
        yield found("files/agent-settings", item.path)


def _archive(item: Item, kind: str) -> Iterator[Finding | Fact]:
    office = any(mark in item.data[:4096] for mark in _OFFICE)
    yield Fact("carries", f"{item.path}: {'a document' if office else kind}", item.path, 0)
    if kind == "zip" and item.data[_ZIP_FLAGS : _ZIP_FLAGS + 1] and item.data[_ZIP_FLAGS] & 1:
        yield found("files/locked-archive", item.path)
    elif not office:
        yield found("files/archive", item.path)
