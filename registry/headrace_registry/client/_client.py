"""Registries, read with care: what is handed on was verified, and is in the cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_registry.catalogue import CATALOGUE, MAX_BYTES, read_catalogue
from headrace_registry.client._snapshot import snapshot_of
from headrace_registry.client._store import State, Store
from headrace_registry.client._vetting import is_plain, vet
from headrace_registry.errors import OfflineError, TrustError
from headrace_registry.http import AccessError, MissingError, open_remote
from headrace_registry.http._credentials import is_private
from headrace_registry.searching import build_entries
from headrace_registry.trust._fingerprint import MAX_ROOT, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from headrace_registry.catalogue import ReleaseFile
    from headrace_registry.client._snapshot import Snapshot
    from headrace_registry.http import Limits, Remote
    from headrace_registry.settings import RegistrySettings
    from headrace_registry.trust import Verified

__all__ = ["RegistryClient"]

_MAX_TIMESTAMP = 16_384


class RegistryClient:
    """Reads one registry. Several threads may fetch at once, and several processes refresh.

    Args:
        settings: The registry.
        cache: The folder of all caches; else ``cache_folder()``.
        offline: Use the cache alone; a folder of this machine is read all the same.
        limits: How long a server may take.
    """

    def __init__(
        self,
        settings: RegistrySettings,
        *,
        cache: Path | None = None,
        offline: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self.registry = settings
        self._store = Store(settings, cache)
        self._offline = offline
        self._limits = limits
        self._opened: Remote | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives connections back."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def refresh(self, *, least_version: int = 0) -> Snapshot:
        """The registry as it is now; offline, as it was when it was last seen.

        Args:
            least_version: The version that is remembered, by a lock for example: a registry that
                is older is being rolled back.

        Raises:
            TrustError: It is not what its keeper signed; it has ended; or it is too old.
            DownloadError: It cannot be reached.
            OfflineError: It is not in the cache.
            CatalogueError: Its catalogue cannot be read, or has names that mislead.
        """
        if self._offline:
            return self._cached(least_version)
        if self.registry.key is None:
            self._check_unsigned()
        with self._store.locked():
            before = self._store.state()
            if self.registry.key is None:
                state = self._update_unsigned(before)
            else:
                state = self._update_signed(before, least_version)
            self._store.keep(state)
        return snapshot_of(self._store, state)

    def fetch(
        self, package: str, file: ReleaseFile, *, progress: Callable[[int], None] | None = None
    ) -> Path:
        """A wheel, whose bytes are those of the catalogue.

        Args:
            package: The package's name.
            file: The wheel, as the catalogue has it.
            progress: Is told of the bytes that came.

        Returns:
            Its place in the cache, under its own name.

        Raises:
            TrustError: What came is something else.
            DownloadError: It cannot be had.
            OfflineError: It is not in the cache.
        """
        if not is_plain(package, file):  # it may be from a lock that somebody edited
            raise TrustError(
                f"registry {self.registry.name!r}: {file.filename!a} of {package!a}, with the "
                f"sha256 {file.sha256!a}, is no wheel of a registry; it was not fetched"
            )
        path = self._store.cache / "wheels" / file.sha256[:2] / file.sha256 / file.filename
        if path.is_file() and path.stat().st_size == file.size:
            with path.open("rb") as there:
                if _digest(there.fileno()) == file.sha256:
                    return path
        if self._offline and not self.registry.url.startswith("file:"):
            raise OfflineError(
                f"registry {self.registry.name!r}: {file.filename} is not in the cache\n"
                f"  where: {path}\n  next:  once without --offline"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        place = f"files/{package}/{file.filename}"
        fresh = self._download(place, file.size, (file.size, file.sha256), path.parent, progress)
        fresh.replace(path)
        return path

    def _update_signed(self, before: State | None, least_version: int) -> State:
        if before is not None and before.version >= least_version and self._is_as_before(before):
            keyring = before.keyring or self._used_keyring
            return replace(before, checked=time.time(), keyring=keyring)
        from headrace_registry.trust import update
        from headrace_registry.trust._verifying import first_root

        staged = self._store.stage(before.metadata if before else "")
        try:
            root = self._known_root(staged) or first_root(self.registry, self._remote())
            verified = update(self.registry, self._remote(), staged, root)
            self._check_least(verified.version, least_version)
            size, digest = verified.file(self.registry, CATALOGUE)
            packages = self._take_catalogue(size, digest, before)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
        return self._signed_state(verified, digest, packages, staged.name)

    def _known_root(self, staged: Path) -> bytes | None:
        """The first root of trust, if it is in the cache and sound."""
        try:
            data = (staged / "root_history" / "1.root.json").read_bytes()
            return data if fingerprint(data) == self.registry.key else None
        except (OSError, TrustError):
            return None

    def _is_as_before(self, before: State) -> bool:
        """Whether there is neither a new root nor a new timestamp: two small requests."""
        if before.has_ended:
            return False
        folder = self._store.folder / before.metadata
        try:
            known = (folder / "timestamp.json").read_bytes()
        except OSError:
            return False
        try:
            self._remote_bytes(f"metadata/{before.root + 1}.root.json", MAX_ROOT)
        except (MissingError, AccessError):  # some stores forbid what is not there
            pass
        else:
            return False
        return self._remote_bytes("metadata/timestamp.json", _MAX_TIMESTAMP) == known

    def _update_unsigned(self, before: State | None) -> State:
        folder = self._store.folder / "catalogues"
        folder.mkdir(parents=True, exist_ok=True)
        fresh = self._download(CATALOGUE, MAX_BYTES, None, folder, None)
        try:
            with fresh.open("rb") as file:
                digest = _digest(file.fileno())
            packages = self._place_catalogue(fresh, digest, before)
        finally:
            fresh.unlink(missing_ok=True)
        return State(time.time(), digest, packages, keyring=self._used_keyring)

    def _check_unsigned(self) -> None:
        if not is_private(self.registry.url) and not self.registry.url.startswith("file:"):
            raise TrustError(
                f"registry {self.registry.name!r}: neither signed nor behind TLS: anybody on the "
                f"way could change it\n  where: {self.registry.url}\n"
                "  next:  use its https address, or have it signed"
            )

    def _take_catalogue(self, size: int, digest: str, before: State | None) -> int:
        """Has the catalogue of a digest in the store, and tells how many packages it has."""
        if self._store.entries(digest).is_file() and before and before.digest == digest:
            return before.packages
        folder = self._store.folder / "catalogues"
        folder.mkdir(parents=True, exist_ok=True)
        if size > MAX_BYTES:
            raise TrustError(f"registry {self.registry.name!r}: its catalogue is too large: {size}")
        fresh = self._download(CATALOGUE, size, (size, digest), folder, None)
        try:
            return self._place_catalogue(fresh, digest, before)
        finally:
            fresh.unlink(missing_ok=True)

    def _place_catalogue(self, fresh: Path, digest: str, before: State | None) -> int:
        """Puts a catalogue that was read and vetted in its place, with its index."""
        place = self._store.catalogue(digest).parent
        if before and before.digest == digest and self._store.entries(digest).is_file():
            return before.packages
        catalogue = read_catalogue(fresh.read_bytes())
        vet(catalogue, self.registry.name)
        if not self._store.entries(digest).is_file():
            made = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
            try:
                build_entries(catalogue, made / "entries.sqlite")
                fresh.rename(made / CATALOGUE)
                shutil.rmtree(place, ignore_errors=True)
                made.rename(place)
            finally:
                shutil.rmtree(made, ignore_errors=True)
        return len(catalogue.packages)

    def _cached(self, least_version: int) -> Snapshot:
        if self.registry.url.startswith("file:"):
            return self._from_folder(least_version)
        state = self._store.state()
        if state is None:
            raise OfflineError(
                f"registry {self.registry.name!r}: it is not in the cache\n"
                f"  where: {self.registry.url}\n  next:  agents registry refresh"
            )
        self._check_least(state.version, least_version)
        warnings: tuple[str, ...] = ()
        if state.has_ended:
            told = f"its signatures ended on {state.expires[:10]}; what is in the cache may be old"
            warnings = (f"registry {self.registry.name!r}: {told}",)
        return snapshot_of(self._store, state, warnings)

    def _from_folder(self, least_version: int) -> Snapshot:
        """A folder, read without asking whether it has ended: there may be no newer one here."""
        if self.registry.key is None:
            with self._store.locked():
                state = self._update_unsigned(self._store.state())
                self._store.keep(state)
            return snapshot_of(self._store, state)
        from headrace_registry.trust import verify

        verified = verify(
            self.registry, lambda name: self._remote_bytes(f"metadata/{name}", 1 << 26)
        )
        self._check_least(verified.version, least_version)
        size, digest = verified.file(self.registry, CATALOGUE)
        with self._store.locked():
            packages = self._take_catalogue(size, digest, self._store.state())
        warnings: tuple[str, ...] = ()
        if verified.ended:
            told = f"its {verified.ended} ended on {verified.expires:%Y-%m-%d}; it may be old"
            warnings = (f"registry {self.registry.name!r}: {told}",)
        state = self._signed_state(verified, digest, packages, "")
        return snapshot_of(self._store, state, warnings)

    def _signed_state(self, verified: Verified, digest: str, packages: int, metadata: str) -> State:
        return State(
            checked=time.time(),
            digest=digest,
            packages=packages,
            version=verified.version,
            root=verified.root_version,
            expires=verified.expires.isoformat(),
            metadata=metadata,
            keyring=self._used_keyring,
        )

    def _check_least(self, version: int, least: int) -> None:
        if self.registry.key is not None and version < least:
            raise TrustError(
                f"registry {self.registry.name!r}: it is older than what this project has seen: "
                "somebody rolled it back, or serves an old copy\n"
                f"  where: {self.registry.url}\n"
                f"  why:   it gives {_shown(version)}, and the lock was made with {_shown(least)}\n"
                "  next:  use a copy that is up to date, or tell its keeper"
            )

    @property
    def _used_keyring(self) -> bool:
        return self._opened is not None and self._opened.used_keyring

    def _remote(self) -> Remote:
        if self._opened is None:
            self._opened = open_remote(self.registry, self._store.cache / "tls", self._limits)
        return self._opened

    def _remote_bytes(self, path: str, limit: int) -> bytes:
        return b"".join(self._remote().read(path, limit))

    def _download(
        self,
        path: str,
        limit: int,
        expected: tuple[int, str] | None,
        folder: Path,
        progress: Callable[[int], None] | None,
    ) -> Path:
        """Downloads into a new file of a folder.

        Raises:
            TrustError: Its size or digest is not the expected one.
        """
        digest, size = hashlib.sha256(), 0
        descriptor, name = tempfile.mkstemp(prefix=".new-", dir=folder)
        fresh = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for piece in self._remote().read(path, limit):
                    digest.update(piece)
                    size += len(piece)
                    file.write(piece)
                    if progress:
                        progress(len(piece))
            self._check(path, expected, (size, digest.hexdigest()))
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        return fresh

    def _check(self, path: str, expected: tuple[int, str] | None, got: tuple[int, str]) -> None:
        if expected is not None and got != expected:
            raise TrustError(
                f"registry {self.registry.name!r}: {path} is not what its keeper published; it was "
                f"not used\n  where: {self.registry.url}/{path}\n"
                f"  why:   expected {expected[0]} bytes with sha256 {expected[1]}, got {got[0]} "
                f"with {got[1]}\n"
                "  next:  try again if it is being published right now; else tell its keeper"
            )


def _shown(version: int) -> str:
    """A version as people read it: it is made from the clock."""
    try:
        when = datetime.fromtimestamp(version, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return f"version {version}"
    return f"version {version} (of {when:%Y-%m-%d %H:%M} UTC)"


def _digest(descriptor: int) -> str:
    digest = hashlib.sha256()
    while chunk := os.read(descriptor, 1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
