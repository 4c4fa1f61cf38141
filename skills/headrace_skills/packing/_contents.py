"""What of a folder is the skill: the files that are packed, copied, and counted in its digest.

Tools, editors and desktops leave files in a folder, and people keep secrets in it. None of that
is the skill. One rule for all carriers makes a folder, its wheel and its zip have one digest.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills._confined import parts_of
from headrace_skills._reading import MAX_FILES
from headrace_skills.errors import SkillPathError
from headrace_skills.packing.errors import PackingError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "MAX_BYTES",
    "ContentFile",
    "Contents",
    "LeftOut",
    "as_digest",
    "collision",
    "contents_of",
    "why_left_out",
]

MAX_BYTES = 256 * 1024**2
"""Bytes of all files; the largest skill seen has 14.7 MB."""
_MAX_SEEN = 20_000  # entries of a folder and of those below it

_LEFT_OUT = {
    "version control": {".git", ".hg", ".svn", ".bzr", "_darcs", "CVS"},
    "a cache": {
        *("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"),
        *(".ipynb_checkpoints", ".tox", ".nox", ".venv", ".hatch", ".pixi"),
    },
    "left by a desktop": {".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX", ".Trash"},
    "left by an editor": {".idea", ".vscode", ".vs"},
    "it may hold secrets": {
        *(".env", ".netrc", ".pypirc", ".npmrc", ".git-credentials", ".htpasswd"),
        *(".ssh", ".aws", ".gnupg", ".kube", "id_rsa", "id_ecdsa", "id_ed25519"),
    },
}
_BY_NAME = {name: why for why, names in _LEFT_OUT.items() for name in names}
_BY_PATTERN = (
    (re.compile(r".*\.py[co]"), "a cache"),
    (re.compile(r"\._.*"), "left by a desktop"),
    (re.compile(r".*~|\.#.*|#.*#|\..*\.sw[a-p]|.*\.(bak|orig|rej)"), "left by an editor"),
    (re.compile(r"\.env\.(?!(example|sample|template|dist)$).*"), "it may hold secrets"),
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or folder that is not part of the skill."""

    path: str
    """Its path in the skill's folder."""
    why: str
    """What it is, in a few words."""


@dataclass(frozen=True, slots=True)
class ContentFile:
    """A file of the skill."""

    path: str
    """Its path in the skill's folder, with slashes."""
    size: int
    """Its bytes."""
    executable: bool
    """Whether its owner may execute it."""
    real: str = field(repr=False)
    """Where it stands, with no link in the path."""

    def read(self) -> bytes:
        """Read all of it.

        Raises:
            PackingError: It is not what it was a moment ago.
        """
        try:
            # The path was resolved: a link that stands there now was put in the way.
            descriptor = os.open(self.real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                data = file.read(self.size + 1)
        except OSError as error:
            raise PackingError(f"{self.path!r} cannot be read: {error.strerror}") from None
        if len(data) != self.size:
            raise PackingError(f"{self.path!r} was changed while it was read: try again")
        return data


@dataclass(frozen=True, slots=True)
class Contents:
    """The files that make up a skill, and what else its folder holds."""

    root: Path
    """The folder."""
    files: tuple[ContentFile, ...]
    """By path. Links that stay within the folder are the files that they lead to."""
    left_out: tuple[LeftOut, ...] = ()
    """What is not part of the skill, by path."""

    def digest(self) -> str:
        """Sum up path, bytes and executable bit of each file, as ``sha256:`` and 64 digits.

        It is that of the text ``- SHA256 PATH`` (``x`` for ``-`` where it may be executed), a
        line for each file, in the order of the paths' UTF-8.

        Raises:
            PackingError: A file cannot be read.
        """
        return as_digest((one.path, one.executable, one.read()) for one in self.files)


def as_digest(files: Iterable[tuple[str, bool, bytes]]) -> str:
    """Sum up files, each given by path, executable bit and bytes."""
    rows = sorted((path.encode(), run, hashlib.sha256(data)) for path, run, data in files)
    total = hashlib.sha256()
    for path, run, content in rows:
        total.update(b"%s %s %s\n" % (b"x" if run else b"-", content.hexdigest().encode(), path))
    return f"sha256:{total.hexdigest()}"


def contents_of(root: Path) -> Contents:
    """List what a skill is made of.

    Raises:
        PackingError: The folder holds what no archive can carry: a link that leads out of it, a
            special file, a name that is not printable, two names that differ by case only, or
            more than the bounds.
    """
    try:
        real = os.path.realpath(root, strict=True)
        walk = _Walk(real)
        walk.folder(real, "", (real,))
    except OSError as error:
        raise PackingError(f"{error.filename} cannot be read: {error.strerror}") from None
    files = sorted(walk.files, key=lambda one: one.path.encode())
    twins = collision(one.path for one in files)
    if twins:
        raise PackingError(
            f"{twins[0]!r} and {twins[1]!r} are one file where case does not count: rename one"
        )
    return Contents(root, tuple(files), tuple(sorted(walk.left_out, key=lambda one: one.path)))


def why_left_out(name: str) -> str | None:
    """Tell why a file or folder of a name is no part of a skill; None where it is."""
    return _BY_NAME.get(name) or next(
        (why for pattern, why in _BY_PATTERN if pattern.fullmatch(name)), None
    )


def collision(paths: Iterable[str]) -> tuple[str, str] | None:
    """Find two paths that some file systems hold for one."""
    seen: dict[str, str] = {}
    for path in paths:
        other = seen.setdefault(unicodedata.normalize("NFC", path).casefold(), path)
        if other is not path:
            return other, path
    return None


class _Walk:
    """One walk through a folder."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.files: list[ContentFile] = []
        self.left_out: list[LeftOut] = []
        self._bytes = 0
        self._seen = 0

    def folder(self, real: str, prefix: str, above: tuple[str, ...]) -> None:
        """Take a folder; ``above`` are those that it is in, itself the last."""
        for entry in self._entries(real):
            path = prefix + entry.name
            why = why_left_out(entry.name)
            place = entry.path
            if why is None and entry.is_symlink():
                place, why = self._followed(entry.path, path)
            if why is not None:
                self.left_out.append(LeftOut(_shown(path), why))
                continue
            _check_name(path)
            info = os.lstat(place)
            if stat.S_ISDIR(info.st_mode):
                if place in above:
                    raise PackingError(f"{path!r} is a link to a folder that it is in")
                self.folder(place, f"{path}/", (*above, place))
            elif stat.S_ISREG(info.st_mode):
                self._file(ContentFile(path, info.st_size, bool(info.st_mode & 0o100), place))
            else:
                raise PackingError(f"{path!r} is neither a file nor a folder: remove it")

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        found: list[os.DirEntry[str]] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                self._seen += 1
                if self._seen > _MAX_SEEN:
                    raise PackingError(f"it holds more than {_MAX_SEEN:,} files and folders")
                found.append(entry)
        return sorted(found, key=lambda one: one.name)

    def _followed(self, link: str, path: str) -> tuple[str, str | None]:
        """Resolve a link; what it leads to may be nothing of the skill, too."""
        try:
            real = os.path.realpath(link, strict=True)
        except OSError:
            raise PackingError(f"{_shown(path)!r} is a link that leads to nothing") from None
        if os.path.commonpath((real, self.root)) != self.root:
            raise PackingError(
                f"{_shown(path)!r} is a link that leads out of the skill's folder: put the file "
                "itself there"
            )
        inner = Path(os.path.relpath(real, self.root)).parts
        return real, next(filter(None, map(why_left_out, inner)), None)

    def _file(self, file: ContentFile) -> None:
        self._bytes += file.size
        if len(self.files) == MAX_FILES or self._bytes > MAX_BYTES:
            raise PackingError(
                f"it holds more than {MAX_FILES:,} files or {MAX_BYTES // 1024**2} MB"
            )
        self.files.append(file)


def _check_name(path: str) -> None:
    try:
        parts_of(path)
    except SkillPathError:
        printable = False
    else:
        printable = path.isprintable()
    if not printable:
        raise PackingError(
            f"{_shown(path)!r} has a name that not every system can hold: a backslash, what is "
            "not printable or not UTF-8, or over-long"
        )


def _shown(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
