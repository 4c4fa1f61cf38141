"""One change of a site: what it has, and the new one that takes its place."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headrace_registry.catalogue import CATALOGUE, Catalogue, read_catalogue
from headrace_registry.errors import CatalogueError, SiteError
from headrace_registry.site import _merging
from headrace_registry.site._drafting import Draft
from headrace_registry.site._pages import FRONT, are_current, pages_of
from headrace_registry.site._signing import METADATA, check_kept, is_signed, signing_time
from headrace_registry.site._simple import (
    file_path,
    listing_pages,
    package_pages,
    package_paths,
)
from headrace_registry.site._swapping import locked, settled
from headrace_registry.wheels import wheel_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from headrace_registry.catalogue import Package, ReleaseFile
    from headrace_registry.site._describing import Described
    from headrace_registry.trust import Signer

__all__ = ["BuildReport", "Change", "changing", "files_of"]

TITLE = "Skills and plugins"
"""What a registry is called whose keeper does not say."""
SETTINGS = "site.json"
"""What else its keeper said of the site."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What became of a site."""

    added: tuple[str, ...]
    """The wheels that came in, by their file names."""
    removed: tuple[str, ...]
    """The wheels that went."""
    changed: tuple[str, ...]
    """The files of the site with other bytes than before, or new ones, by their paths."""
    unchanged: int
    """How many files of the site are as they were."""
    packages: int
    """How many packages it has."""
    wheels: int
    """How many wheels it has."""
    seconds: float
    """How long it took."""


@contextmanager
def changing(
    site: Path, signer: Signer | None, *, dry_run: bool = False, must_exist: bool = False
) -> Iterator[Change]:
    """Keeps other commands from a site, and reads what it has.

    Raises:
        SiteError: It is no registry, is signed and no signer is given, or cannot be replaced.
        BusyError: Another command changes it.
    """
    started = time.perf_counter()
    folder = settled(site)
    with nullcontext() if dry_run else locked(folder):
        before = _catalogue(folder)
        if before is None and must_exist:
            raise SiteError(
                f"{site} is no registry: it has no {CATALOGUE}\n"
                f"  next: agents registry build WHEEL... -o {site}"
            )
        if is_signed(folder) and signer is None and not dry_run:
            raise SiteError(
                f"{site} is signed, and stays so: it needs its keys to be changed\n"
                "  next: the same command with --keys FOLDER"
            )
        yield Change(folder, before, signer, started, dry_run=dry_run)


class Change:
    """One change of a site, from what it is to what it shall be."""

    def __init__(
        self,
        folder: Path,
        before: Catalogue | None,
        signer: Signer | None,
        started: float,
        *,
        dry_run: bool,
    ) -> None:
        self.folder = folder
        self.before = before or Catalogue(TITLE, ())
        self.incoming: dict[str, tuple[Path, Described]] = {}
        """The wheels that come in, by their file names."""
        self._is_new = before is None
        self._signer = signer
        self._started = started
        self._dry_run = dry_run
        self._files = {file.filename: file for _, file in files_of(self.before)}

    def has(self, path: Path, digest: str) -> bool:
        """Whether the site has a wheel, and its file too.

        Raises:
            PublishError: It has one of that name with other contents.
        """
        package, version = wheel_name(path.name)
        file = _merging.known_file(self.before, package, version, path.name, digest)
        return file is not None and (self.folder / file_path(package, file)).is_file()

    def as_before(self, one: Described) -> Described:
        """A wheel's entry with the time when it first came in."""
        known = self._files.get(one.file.filename)
        if known is None:
            return one
        return replace(one, file=replace(one.file, uploaded=known.uploaded))

    def nothing(self) -> BuildReport:
        """The report of a change that is none."""
        return self._report(self.before, (), 0)

    def make(
        self,
        after: Catalogue,
        url: str | None = None,
        *,
        pages: bool | None = None,
        anew: bool = False,
    ) -> BuildReport:
        """Makes the new site, and puts it in the place of the old one."""
        if self._dry_run:
            return self._report(after, (), 0)
        with Draft(self.folder, is_new=self._is_new) as draft:
            self._write_wheels(draft, after)
            self._write_simple(draft, after, anew=anew)
            draft.write(CATALOGUE, after.as_json())
            url = self._write_settings(draft, url)
            if self._has_pages if pages is None else pages:
                self._write_pages(draft, after, url, anew=anew)
            if self._signer is not None:
                self._sign(draft, self._signer)
            if not (draft.changed or draft.removed() or self._is_new):
                return self._report(after, (), draft.kept)
            draft.take_place()
        return self._report(after, tuple(draft.changed), draft.kept)

    @property
    def _has_pages(self) -> bool:
        return self._is_new or (self.folder / FRONT).is_file()

    def _write_wheels(self, draft: Draft, after: Catalogue) -> None:
        for package, file in files_of(after):
            path = file_path(package.name, file)
            if file.filename in self.incoming and not (self.folder / path).is_file():
                source, described = self.incoming[file.filename]
                draft.copy(path, source, file.size, file.sha256)
                draft.write(f"{path}.metadata", described.metadata)
            else:
                draft.keep(path, file.sha256)
                draft.keep(f"{path}.metadata", file.metadata_sha256)

    def _write_simple(self, draft: Draft, after: Catalogue, *, anew: bool) -> None:
        for path, data in listing_pages(after):
            draft.write(path, data)
        changed = _changed(self.before, after)
        is_current = not anew
        for package in after.packages:
            if is_current and package.name not in changed:
                # One page tells whether they are all made as this version makes them.
                path, data = next(package_pages(package))
                is_current = draft.has(path, data)
                break
        for package in after.packages:
            if is_current and package.name not in changed:
                for path in package_paths(package):
                    draft.keep(path)
                continue
            for path, data in package_pages(package):
                draft.write(path, data)

    def _write_settings(self, draft: Draft, url: str | None) -> str | None:
        if url is None:
            with suppress(OSError, ValueError, KeyError, TypeError):
                said = json.loads((self.folder / SETTINGS).read_bytes())["url"]
                url = said if isinstance(said, str) else None
        if url is not None:
            draft.write(SETTINGS, json.dumps({"url": url}, indent=1).encode() + b"\n")
        return url

    def _write_pages(self, draft: Draft, after: Catalogue, url: str | None, *, anew: bool) -> None:
        all_anew = anew or not are_current(self.folder, after.title)
        only = None if all_anew else _changed(self.before, after)
        fingerprint = getattr(self._signer, "fingerprint", None)
        made = pages_of(after, draft.where, url=url, fingerprint=fingerprint, only=only)
        for path, data in made:
            draft.write(path, data)
        if only is not None:
            same = (one.name for one in after.packages if one.name not in only)
            draft.keep_folders({f"packages/{name}" for name in same})

    def _sign(self, draft: Draft, signer: Signer) -> None:
        if is_signed(self.folder):
            check_kept(self.folder, draft.files(), draft.changed)
        for path, data in signer.sign(self.folder, draft.files(), signing_time()).items():
            if not path.startswith(f"{METADATA}/"):
                raise SiteError(f"a signer may write into {METADATA}/ alone, and wrote {path!r}")
            draft.write(path, data)
        draft.keep_folders({METADATA})  # older roots lead clients to the newest one

    def _report(self, after: Catalogue, changed: tuple[str, ...], unchanged: int) -> BuildReport:
        names = {file.filename for _, file in files_of(after)}
        return BuildReport(
            added=tuple(sorted(names - self._files.keys())),
            removed=tuple(sorted(self._files.keys() - names)),
            changed=changed,
            unchanged=unchanged,
            packages=len(after.packages),
            wheels=len(names),
            seconds=time.perf_counter() - self._started,
        )


def _catalogue(folder: Path) -> Catalogue | None:
    """What a site has; ``None`` where there is nothing yet."""
    if not folder.exists() or not any(folder.iterdir()):
        return None
    try:
        data = (folder / CATALOGUE).read_bytes()
    except FileNotFoundError:
        raise SiteError(
            f"{folder} holds other things, and no registry: name a folder of its own"
        ) from None
    if is_signed(folder):
        told = (len(data), hashlib.sha256(data).hexdigest())
        check_kept(folder, {CATALOGUE: told}, ())
    try:
        return read_catalogue(data)
    except CatalogueError as error:
        raise SiteError(f"{folder / CATALOGUE}: {error}") from None


def files_of(catalogue: Catalogue) -> Iterator[tuple[Package, ReleaseFile]]:
    """All wheels, and the packages that they are of."""
    for package in catalogue.packages:
        for release in package.releases:
            for file in release.files:
                yield package, file


def _changed(before: Catalogue, after: Catalogue) -> set[str]:
    old: Mapping[str, Package] = before.by_name
    return {one.name for one in after.packages if old.get(one.name) != one}
