"""What files come in: a folder or a zip on this machine; ``_repository`` has a commit of git.

A carrier lists its files and writes those that are asked for. Nothing leads out of the folder
that they are written to, and there is an end to how many and how large they are.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from headrace_registry.errors import SourceError
from headrace_skills._confined import parts_of
from headrace_skills.errors import SkillPathError
from headrace_skills.packing import ArchiveError
from headrace_skills.packing._contents import MAX_BYTES
from headrace_skills.packing._zips import open_zip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from headrace_skills.packing._zips import Zip

__all__ = [
    "MAX_FILES",
    "Carrier",
    "FolderTree",
    "Writer",
    "check_path",
    "check_size",
    "open_archive",
]

MAX_FILES = 100_000
"""The most files that a source may list; a skill may have 4,000."""
_MAX_LINK = 1024
_SKIPPED = {".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", ".headrace"}


class Carrier(Protocol):
    """Where files come from."""

    @property
    def label(self) -> str:
        """What it is called in texts."""

    @property
    def files(self) -> Mapping[str, int]:
        """The sizes of its files, by path."""

    def write(self, paths: Mapping[str, str], into: Path) -> None:
        """Write files, each given by its path here and the one that it shall have in a folder."""


class FolderTree:
    """A folder on this machine; links to folders are not followed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.label = str(root)
        self.files: dict[str, int] = {}
        base = os.path.realpath(root)
        for folder, below, found in os.walk(base):
            below[:] = sorted(one for one in below if one not in _SKIPPED)
            for name in sorted(found):
                place = os.path.join(folder, name)  # noqa: PTH118 - pathlib triples the time
                path = os.path.relpath(place, base)
                if path.isprintable() and os.path.isfile(place):  # noqa: PTH113
                    self.files[path] = os.path.getsize(place)  # noqa: PTH202
            if len(self.files) > MAX_FILES:
                raise SourceError(f"{root} has more than {MAX_FILES:,} files: name a folder in it")

    def write(self, paths: Mapping[str, str], into: Path) -> None:
        """Write files.

        Raises:
            SourceError: One cannot be read or written.
        """
        check_size((self.files[path] for path in paths), self.label)
        writer = Writer(into, self.label)
        for path, name in paths.items():
            try:
                place = (self.root / path).resolve(strict=True)
                if not place.is_relative_to(self.root.resolve()):
                    raise SourceError(f"{self.root / path} is a link that leads out of the folder")
                data = place.read_bytes()
            except OSError as error:
                raise SourceError(f"{self.root / path} cannot be read: {error.strerror}") from None
            writer.file(name, data, executable=os.access(place, os.X_OK))
        writer.finish()


class _ZipTree:
    def __init__(self, opened: Zip, label: str) -> None:
        self.label = label
        self._opened = opened
        self.files = {path: entry.size for path, entry in opened.entries.items()}

    def write(self, paths: Mapping[str, str], into: Path) -> None:
        check_size((self.files[path] for path in paths), self.label)
        writer = Writer(into, self.label)
        for path, name in paths.items():
            entry = self._opened.entries[path]
            try:
                data = self._opened.read(path)
            except ArchiveError as error:
                raise SourceError(f"{self.label}: {error}") from None
            if entry.link:
                writer.link(name, data)
            else:
                writer.file(name, data, executable=entry.executable)
        writer.finish()


@contextmanager
def open_archive(path: Path) -> Iterator[Carrier]:
    """Open a zip.

    Raises:
        SourceError: It is no zip, over the bounds, or has entries that could be misread.
    """
    try:
        with open_zip(path) as opened:
            yield _ZipTree(opened, str(path))
    except ArchiveError as error:
        raise SourceError(str(error)) from None


def check_size(sizes: Iterable[int], label: str) -> None:
    """Refuse to read more than a skill may have.

    Raises:
        SourceError: It is more.
    """
    if sum(sizes) > MAX_BYTES:
        raise SourceError(f"{label}: what is asked for has more than {MAX_BYTES // 1024**2} MB")


class Writer:
    """Files written to a new folder, each once."""

    def __init__(self, into: Path, label: str) -> None:
        self._into = into
        self._label = label
        self._links: list[tuple[str, bytes]] = []
        into.mkdir(parents=True, exist_ok=True)

    def file(self, name: str, data: bytes, *, executable: bool) -> None:
        """Write a file.

        Raises:
            SourceError: It is there already, or lies below a file.
        """
        target = self._into.joinpath(*parts_of(name))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            mode = 0o755 if executable else 0o644
            with os.fdopen(os.open(target, flags, mode), "wb") as file:
                file.write(data)
        except OSError as error:
            raise SourceError(
                f"{self._label}: its {name!r} cannot be written: {error.strerror}"
            ) from None

    def link(self, name: str, data: bytes) -> None:
        """Note a link, for ``finish``."""
        self._links.append((name, data))

    def finish(self) -> None:
        """Write the links: as long as there is none, nothing is written by way of one.

        Whoever follows them later must look where they lead.

        Raises:
            SourceError: One is no link, is there already, or lies below another.
        """
        for name, data in self._links:
            target = self._into.joinpath(*parts_of(name))
            above = [one for one in target.parents if self._into in one.parents]
            try:
                text = data[: _MAX_LINK + 1].decode()
                if len(data) > _MAX_LINK or any(one.is_symlink() for one in above):
                    raise ValueError(text)  # noqa: TRY301 - one text for all of them
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(text)
            except (OSError, ValueError):
                raise SourceError(
                    f"{self._label}: its link {name!r} is none that is taken"
                ) from None


def check_path(raw: bytes, label: str) -> str | None:
    """The path of a file in a commit; ``None`` for one that no skill can have.

    Raises:
        SourceError: It leads elsewhere, or into git's own folder.
    """
    try:
        path = raw.decode()
        plain = "/".join(parts_of(path)) == path
    except (UnicodeDecodeError, SkillPathError):
        path, plain = raw.decode("utf-8", "replace"), False
    parts = path.casefold().split("/")
    if ".." in parts or path.startswith("/") or ".git" in parts or "git~1" in parts:
        raise SourceError(f"{label} has a file {path[:200]!r}, which no honest repository has")
    return path if plain and path.isprintable() else None
