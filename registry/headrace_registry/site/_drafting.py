"""A site written anew beside the old one; a file that stays the same stays the same file.

What is unchanged is a hard link of the old site's, so that what copies sites to servers by time
and size moves only what changed. Paths are texts here: there are thousands, and ``pathlib``
would take most of the time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from typing import TYPE_CHECKING

from headrace_registry.errors import SiteError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["OURS", "Draft"]

OURS = (
    *("assets", "browse", "files", "metadata", "packages", "simple"),
    *("catalogue.json", "index.html", "search.js", "site.json"),
)
"""What stands at the top of a site; anything else there is its keeper's, and kept."""


class Draft:
    """A new site on its way.

    Args:
        folder: Where it is written.
        old: The site that it follows.
    """

    def __init__(self, folder: Path, old: Path | None) -> None:
        self.folder = folder
        """Where it is written."""
        self.changed: list[str] = []
        """The files with other bytes than before, or that are new."""
        self.kept = 0
        """How many files are as they were."""
        self._folder = str(folder)
        self._old = None if old is None else str(old)
        self._files: dict[str, tuple[int, str | None]] = {}
        self._folders: set[str] = set()

    def write(self, path: str, data: bytes) -> None:
        """Writes a file, unless it is there with these bytes."""
        digest = hashlib.sha256(data).hexdigest()
        if self.has(path, data):
            self.keep(path, digest)
            return
        with open(self._target(path), "xb") as file:  # noqa: PTH123 - texts, see above
            file.write(data)
        self._note(path, len(data), digest)

    def has(self, path: str, data: bytes) -> bool:
        """Whether the old site has a file with these bytes."""
        old = f"{self._old}/{path}"
        try:
            if self._old is None or os.lstat(old).st_size != len(data) or os.path.islink(old):  # noqa: PTH114
                return False
            with open(old, "rb") as file:  # noqa: PTH123
                return file.read() == data
        except (FileNotFoundError, NotADirectoryError):
            return False

    def keep(self, path: str, digest: str | None = None) -> None:
        """Takes a file of the old site over.

        Args:
            path: Its path in the site.
            digest: The SHA-256 that it has, where that is known.

        Raises:
            SiteError: It is not there.
        """
        target = self._target(path)
        try:
            _link(f"{self._old}/{path}", target)
            info = os.lstat(target)
        except FileNotFoundError:
            info = None
        if self._old is None or info is None or not stat.S_ISREG(info.st_mode):
            raise SiteError(
                f"the registry has lost its file {path}\n"
                "  next: build it again with the wheel that it belongs to"
            )
        self._files[path] = (info.st_size, digest)
        self.kept += 1

    def copy(self, path: str, source: Path, size: int, digest: str) -> None:
        """Copies a file into the site.

        Raises:
            SiteError: It is not what it was when it was read.
        """
        total, count = hashlib.sha256(), 0
        with source.open("rb") as given, open(self._target(path), "xb") as file:  # noqa: PTH123
            while chunk := given.read(1 << 20):
                total.update(chunk)
                count += file.write(chunk)
        if (count, total.hexdigest()) != (size, digest):
            raise SiteError(f"{source} was changed while it was read: try again")
        self._note(path, size, digest)

    def keep_folder(self, path: str) -> None:
        """Takes what is in a folder of the old site over, as far as it is not written yet."""
        for inner in self._old_files(path):
            if inner not in self._files:
                self.keep(inner)

    def keep_foreign(self) -> None:
        """Takes over what the keeper put into the site; it is no part of the registry."""
        if self._old is None:
            return
        for entry in os.scandir(self._old):
            if entry.name in OURS:
                continue
            target = f"{self._folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                shutil.copytree(entry.path, target, symlinks=True, copy_function=_link)
            else:
                _link(entry.path, target)

    def removed(self) -> list[str]:
        """The registry's files of the old site that the new one has no more."""
        return sorted(
            path for name in OURS for path in self._old_files(name) if path not in self._files
        )

    def files(self) -> dict[str, tuple[int, str]]:
        """Size and SHA-256 of each file, by its path in the site."""
        found = {}
        for path, (size, digest) in self._files.items():
            if digest is None:
                with open(f"{self._folder}/{path}", "rb") as file:  # noqa: PTH123
                    digest = hashlib.sha256(file.read()).hexdigest()  # noqa: PLW2901
            found[path] = (size, digest)
        return found

    def _note(self, path: str, size: int, digest: str) -> None:
        self._files[path] = (size, digest)
        self.changed.append(path)

    def _old_files(self, path: str) -> Iterator[str]:
        if self._old is None:
            return
        try:
            entries = list(os.scandir(f"{self._old}/{path}"))
        except FileNotFoundError:
            return
        except NotADirectoryError:
            yield path
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from self._old_files(f"{path}/{entry.name}")
            else:
                yield f"{path}/{entry.name}"

    def _target(self, path: str) -> str:
        parts = path.split("/")
        if path in self._files or any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise SiteError(f"{path!r} cannot be written into a registry")
        folder = "/".join((self._folder, *parts[:-1]))
        if folder not in self._folders:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
            self._folders.add(folder)
        return f"{self._folder}/{path}"


def _link(old: str, new: str) -> None:
    """One file under both paths, or where the file system has no such links, a copy as old."""
    try:
        os.link(old, new, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(old, new, follow_symlinks=False)
