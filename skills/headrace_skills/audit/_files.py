"""Every file of a skill's folder, read within bounds; nothing is followed out of it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from headrace_skills._confined import read_beneath
from headrace_skills.errors import SkillPathError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Folder", "Item", "Language", "language_of", "read_folder"]

MAX_FILES = 4_000
MAX_FILE = 512 * 1024
"""Bytes of one file that are read."""
MAX_ALL = 16 * 1024 * 1024
"""Bytes of all files that are read."""

Language = Literal["prose", "python", "shell", "powershell", "js", "markup", "data"]

_SUFFIXES: dict[Language, tuple[str, ...]] = {
    "prose": (".md", ".markdown", ".mdx", ".rst", ".adoc", ".mdc"),
    "python": (".py", ".pyw", ".pyi"),
    "shell": (".sh", ".bash", ".zsh", ".ksh", ".command"),
    "powershell": (".ps1", ".psm1", ".bat", ".cmd"),
    "js": (".js", ".mjs", ".cjs", ".ts", ".mts", ".tsx", ".jsx"),
    "markup": (".html", ".htm", ".xhtml", ".svg", ".xml"),
}
_BY_SUFFIX = {suffix: language for language, suffixes in _SUFFIXES.items() for suffix in suffixes}
_BY_PROGRAM: dict[str, Language] = {
    "python": "python",
    "node": "js",
    "deno": "js",
    "bun": "js",
    "sh": "shell",
    "bash": "shell",
    "zsh": "shell",
    "dash": "shell",
    "pwsh": "powershell",
}


@dataclass(frozen=True, slots=True)
class Item:
    """A file, or a link, of the folder."""

    path: str
    """Seen from the folder, with slashes."""
    data: bytes
    """Its first bytes; none of a link."""
    size: int
    """All of its bytes."""
    executable: bool
    """Whether its mode lets it be run."""
    link: str | None = None
    """Where it leads, for a link."""
    leaves: bool = False
    """Whether that is out of the folder, or to nothing."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What was read."""

    items: tuple[Item, ...]
    unread: tuple[tuple[str, str], ...]


def read_folder(root: Path) -> Folder:
    """Read a folder whole, hidden files too, in the order of the paths."""
    items: list[Item] = []
    unread: list[tuple[str, str]] = []
    budget = MAX_ALL
    for path, info in _walk(root, unread):
        if stat.S_ISLNK(info.st_mode):
            items.append(_link(root, path))
            continue
        if not stat.S_ISREG(info.st_mode):
            unread.append((path, "it is neither a file nor a folder"))
            continue
        if budget <= 0:
            unread.append((path, f"more than {MAX_ALL:,} bytes were read before it"))
            continue
        try:
            content = read_beneath(root, path, min(MAX_FILE, budget))
        except SkillPathError as error:
            unread.append((path, str(error)))
            continue
        budget -= len(content.data)
        if content.size > len(content.data):
            unread.append((path, f"only {len(content.data):,} of {content.size:,} bytes were read"))
        items.append(Item(path, content.data, content.size, bool(info.st_mode & 0o111)))
    return Folder(tuple(sorted(items, key=lambda one: one.path)), tuple(unread))


def language_of(path: str, first: str) -> Language:
    """Tell what a text is written in, by its name, else by its first line."""
    name = os.path.basename(path)  # noqa: PTH119 - pathlib triples the time
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    if first.startswith("#!"):
        words = [word for word in first[2:].split() if not word.startswith("-")]
        program = os.path.basename(words[0]) if words else ""  # noqa: PTH119
        if program == "env" and len(words) > 1:
            program = words[1]
        return _BY_PROGRAM.get(program.rstrip("0123456789."), "shell")
    if name in ("Makefile", "makefile", "Dockerfile", "Justfile") or name.startswith(".bash"):
        return "shell"
    return "prose" if suffix in (".txt", "") and path.startswith("references/") else "data"


def _walk(root: Path, unread: list[tuple[str, str]]) -> list[tuple[str, os.stat_result]]:
    found: list[tuple[str, os.stat_result]] = []
    base = os.fspath(root)
    pending = [""]
    while pending:
        below = pending.pop()
        try:
            entries = sorted(os.scandir(os.path.join(base, below)), key=lambda one: one.name)  # noqa: PTH118
        except OSError as error:
            unread.append((below or ".", f"it cannot be read: {error.strerror}"))
            continue
        for entry in entries:
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name == ".git":
                    unread.append((path, "a repository's own files are not read"))
                else:
                    pending.append(path)
                continue
            if len(found) == MAX_FILES:
                unread.append((".", f"it has more than {MAX_FILES:,} files"))
                return found
            found.append((path, entry.stat(follow_symlinks=False)))
    return found


def _link(root: Path, path: str) -> Item:
    full = root / path
    target = os.readlink(full)  # noqa: PTH115
    try:
        leaves = not full.resolve(strict=True).is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        leaves = True
    return Item(path, b"", 0, executable=False, link=target, leaves=leaves)
