"""A registry as it was at one moment, verified."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from headrace_registry.catalogue import Catalogue, ReleaseFile
    from headrace_registry.client._store import State, Store
    from headrace_registry.settings import RegistrySettings

__all__ = ["Snapshot", "recent", "snapshot_of"]


class Snapshot:
    """A registry as it was at one moment, verified. Not to be changed.

    Args:
        registry: The registry.
        version: The version of its list of files; 0: it is not signed.
        expires: When what was signed ends; ``None``: it is not signed.
        catalogue: What it has, or what reads that: a large one takes half a second, and is read
            when it is first looked at.
        digest: The sha256 of its catalogue.
        warnings: What the user should be told.
        entries: The index to search in.
    """

    __slots__ = (
        "_catalogue",
        "_read",
        "digest",
        "entries",
        "expires",
        "registry",
        "version",
        "warnings",
    )

    def __init__(
        self,
        registry: RegistrySettings,
        version: int,
        expires: datetime | None,
        catalogue: Catalogue | Callable[[], Catalogue],
        digest: str,
        warnings: tuple[str, ...] = (),
        entries: Path | None = None,
    ) -> None:
        self.registry = registry
        self.version = version
        self.expires = expires
        self.digest = digest
        self.warnings = warnings
        self.entries = entries
        self._catalogue: Catalogue | None = None
        self._read: Callable[[], Catalogue] | None = None
        if callable(catalogue):
            self._read = catalogue
        else:
            self._catalogue = catalogue

    @property
    def catalogue(self) -> Catalogue:
        """What it has."""
        if self._catalogue is None:
            assert self._read is not None  # noqa: S101 - one of the two is there
            self._catalogue = self._read()
        return self._catalogue

    def file_url(self, package: str, file: ReleaseFile) -> str:
        """Where a wheel is."""
        return f"{self.registry.url}/files/{package}/{quote(file.filename)}"

    def __repr__(self) -> str:
        return f"Snapshot({self.registry.name!r}, version={self.version}, digest={self.digest!r})"


def snapshot_of(store: Store, state: State, warnings: tuple[str, ...] = ()) -> Snapshot:
    """What a cache has of a registry; its catalogue is read when it is looked at."""
    path = store.catalogue(state.digest)

    def read() -> Catalogue:
        import hashlib

        from headrace_registry.catalogue import read_catalogue
        from headrace_registry.errors import TrustError

        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != state.digest:
            raise TrustError(
                f"registry {store.registry.name!r}: its catalogue in the cache was changed\n"
                f"  where: {path}\n  next:  remove {path.parent}"
            )
        return read_catalogue(data)

    return Snapshot(
        registry=store.registry,
        version=state.version,
        expires=state.expiry,
        catalogue=read,
        digest=state.digest,
        warnings=warnings,
        entries=store.entries(state.digest),
    )


def recent(store: Store, seconds: float) -> Snapshot | None:
    """The registry as it was within some seconds, without asking it; ``None``: not seen since."""
    state = store.state()
    if state is None or state.age > seconds or state.has_ended:
        return None
    return snapshot_of(store, state)
