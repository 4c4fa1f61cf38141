"""A site written anew beside the old one; a file that stays the same stays the same file.

What is unchanged is a hard link of the old site's, so that what copies sites to servers by time
and size moves only what changed. Nothing is written before something is new: a change that is
none touches nothing. Paths are texts here: there are thousands, and ``pathlib`` would take most
of the time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, final

from headrace_registry.errors import SiteError
from headrace_registry.site._spare import FOLDERS, adopt, plant, put_by
from headrace_registry.site._swapping import beside, discard, swap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["OURS", "Draft"]

OURS = (*FOLDERS, "catalogue.json", "index.html", "search.js", "site.json")
"""What stands at the top of a site; anything else there is its keeper's, and kept."""


@final
class Draft:
    """A new site on its way; as a context, it leaves nothing behind that did not become one.

    Args:
        site: The site whose place it is to take.
        is_new: Whether there is none yet.
    """

    def __init__(self, site: Path, *, is_new: bool) -> None:
        self.changed: list[str] = []
        """The files with other bytes than before, or that are new."""
        self._site = site
        self._is_new = is_new
        self._folder = str(beside(site, "new"))
        self._info: os.stat_result | None = None  # of that folder, once it is there
        self._there = {} if is_new else dict(_files(str(site)))
        self._files: dict[str, tuple[int, str | None]] = {}
        self._kept: dict[str, os.stat_result] = {}
        self._folders = {""}
        self._linked = True

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *_: object) -> None:
        if self._info is not None:
            discard(self._folder)

    @property
    def kept(self) -> int:
        """How many files are as they were."""
        return len(self._kept)

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
        info = self._there.get(path)
        if info is None or info.st_size != len(data) or not stat.S_ISREG(info.st_mode):
            return False
        with open(f"{self._site}/{path}", "rb") as file:  # noqa: PTH123
            return file.read() == data

    def keep(self, path: str, digest: str | None = None) -> None:
        """Takes a file of the old site over.

        Args:
            path: Its path in the site.
            digest: The SHA-256 that it has, where that is known.

        Raises:
            SiteError: It is not there.
        """
        info = self._there.get(path)
        if info is None or not stat.S_ISREG(info.st_mode):
            raise SiteError(
                f"the registry has lost its file {path}\n"
                "  next: build it again with the wheel that it belongs to"
            )
        self._check(path)
        self._files[path] = (info.st_size, digest)
        self._kept[path] = info

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

    def keep_folders(self, folders: Collection[str]) -> None:
        """Takes what is in folders of the old site over, as far as it is not written yet."""
        for path in self._there:
            if path not in self._files and any(one in folders for one in _parents(path)):
                self.keep(path)

    def where(self, path: str) -> Path:
        """Where a file of the new site can be read while that is on its way."""
        return Path(str(self._site) if path in self._kept else self._folder, path)

    def removed(self) -> list[str]:
        """The registry's files of the old site that the new one has no more."""
        return sorted(self._there.keys() - self._files.keys())

    def files(self) -> dict[str, tuple[int, str]]:
        """Size and SHA-256 of each file, by its path in the site."""
        found = {}
        for path, (size, digest) in self._files.items():
            known = digest or hashlib.sha256(self.where(path).read_bytes()).hexdigest()
            found[path] = (size, known)
        self._files.update(found)
        return found

    def take_place(self) -> None:
        """Completes the new site, and puts it in the place of the old one."""
        self._complete()
        swap(Path(self._folder), self._site, self.changed)
        if not self._linked:  # a spare would take up as much room again
            return
        if self._is_new:
            plant(self._site, Path(self._folder))
        else:
            put_by(Path(self._folder), self._site, (*self.changed, *self.removed()))

    def _complete(self) -> None:
        """Gives the draft what is kept, and removes what else was in the spare."""
        self._stage()
        wanted = {one for path in self._files for one in _parents(path)}
        for folder in wanted:
            self._ready(folder)
        here = set(self.changed)
        for path, entry in _walk(self._folder):
            if path in here:
                continue
            if entry.is_dir(follow_symlinks=False):
                if path not in wanted:
                    os.rmdir(entry.path)  # noqa: PTH106
            elif _same(self._kept.get(path), entry.stat(follow_symlinks=False)):
                here.add(path)
            else:
                os.unlink(entry.path)  # noqa: PTH108
        for path in self._kept:
            if path not in here:
                self._link(f"{self._site}/{path}", f"{self._folder}/{path}")
        self._keep_foreign()

    def _keep_foreign(self) -> None:
        """Takes over what the keeper put into the site; it is no part of the registry."""
        if self._is_new:
            return
        for entry in os.scandir(self._site):
            if entry.name in OURS:
                continue
            target = f"{self._folder}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                shutil.copytree(entry.path, target, symlinks=True, copy_function=self._link)
            else:
                self._link(entry.path, target)

    def _link(self, old: str, new: str) -> None:
        """One file under both paths, or where the file system has no such links, a copy as old."""
        try:
            os.link(old, new, follow_symlinks=False)
        except FileNotFoundError:
            raise
        except OSError:
            self._linked = False
            shutil.copy2(old, new, follow_symlinks=False)

    def _note(self, path: str, size: int, digest: str) -> None:
        self._files[path] = (size, digest)
        self.changed.append(path)

    def _check(self, path: str) -> None:
        parts = path.split("/")
        if path in self._files or any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise SiteError(f"{path!r} cannot be written into a registry")

    def _target(self, path: str) -> str:
        """Where a file is to be written, with its folder there, and nothing in its place."""
        self._check(path)
        self._stage()
        self._ready(path.rpartition("/")[0])
        target = f"{self._folder}/{path}"
        if os.path.lexists(target):
            discard(target)
        return target

    def _stage(self) -> os.stat_result:
        if self._info is None:
            folder = Path(self._folder)
            folder.mkdir()
            self._info = folder.stat()
            adopt(self._site, folder)
        return self._info

    def _ready(self, folder: str) -> None:
        """Makes a folder, or makes one of the spare as if it were new."""
        if folder in self._folders:
            return
        ours, path = self._stage(), f"{self._folder}/{folder}"
        self._ready(folder.rpartition("/")[0])
        try:
            os.mkdir(path)  # noqa: PTH102
        except FileExistsError:
            found = os.lstat(path)
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != ours.st_uid:
                discard(path)
                os.mkdir(path)  # noqa: PTH102
            elif found.st_mode != ours.st_mode:
                os.chmod(path, stat.S_IMODE(ours.st_mode))  # noqa: PTH101
        self._folders.add(folder)


def _files(site: str) -> Iterator[tuple[str, os.stat_result]]:
    """What a site has of ours, and what each is; a link is one, whatever it leads to."""
    for path, entry in _walk(site):
        if not entry.is_dir(follow_symlinks=False):
            yield path, entry.stat(follow_symlinks=False)


def _walk(folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All of ours in a folder, by their paths in it; a folder comes after what it holds."""
    for entry in list(os.scandir(folder)):
        if entry.name in OURS:
            yield from _under(entry, entry.name)


def _under(entry: os.DirEntry[str], path: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    if entry.is_dir(follow_symlinks=False):
        for inner in list(os.scandir(entry.path)):
            yield from _under(inner, f"{path}/{inner.name}")
    yield path, entry


def _parents(path: str) -> Iterator[str]:
    """The folders that a path is in, the innermost first."""
    while path := path.rpartition("/")[0]:
        yield path


def _same(one: os.stat_result | None, other: os.stat_result) -> bool:
    return one is not None and (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
