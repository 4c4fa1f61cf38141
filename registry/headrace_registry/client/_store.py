"""The cache of one registry. Reading it imports nothing that costs.

``state.json`` says which of the other files are current; it is replaced last, so that a process
that is killed leaves what was there. Layout, below ``registries/<digest of address and key>/``::

    state.json                      what was last verified
    m-.../                          the metadata of then
    catalogues/<sha256>/            catalogue.json, and entries.sqlite to search in
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_registry.settings import RegistrySettings

__all__ = ["State", "Store", "cache_folder", "write_whole"]

_KEPT = 3600
"""Seconds that what is no longer current is kept for those who read it."""


def cache_folder() -> Path:
    """Where downloads are kept: ``HEADRACE_CACHE_DIR``, else ``headrace`` in the user's cache."""
    said = os.environ.get("HEADRACE_CACHE_DIR")
    if said:
        return Path(said).absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    # A relative one is to be ignored, by the standard for it.
    home = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return home / "headrace"


@dataclass(frozen=True, slots=True)
class State:
    """What was last verified of a registry."""

    checked: float
    """When, in seconds since 1970."""
    digest: str
    """The sha256 of its catalogue."""
    packages: int
    """How many packages it has."""
    version: int = 0
    """The version of its list of files; 0: not signed."""
    root: int = 0
    """The number of its root of trust."""
    expires: str = ""
    """When that ends, in ISO 8601; nothing: not signed."""
    metadata: str = ""
    """The folder of its metadata."""
    keyring: bool = False
    """Whether its credentials came from the keyring."""

    @property
    def age(self) -> float:
        """Seconds since it was verified; a clock that was set back makes it old."""
        since = time.time() - self.checked
        return since if since >= 0 else float("inf")

    @property
    def expiry(self) -> datetime | None:
        """When it ends."""
        return datetime.fromisoformat(self.expires) if self.expires else None

    @property
    def has_ended(self) -> bool:
        """Whether its keeper should have signed anew."""
        expiry = self.expiry
        return expiry is not None and expiry <= datetime.now(timezone.utc)


class Store:
    """The cache of a registry.

    Args:
        registry: The registry.
        cache: The folder of all caches; else ``cache_folder()``.
    """

    def __init__(self, registry: RegistrySettings, cache: Path | None = None) -> None:
        self.registry = registry
        self.cache = cache_folder() if cache is None else cache
        name = hashlib.sha256(f"{registry.url}\n{registry.key}".encode()).hexdigest()[:32]
        self.folder = self.cache / "registries" / name

    def state(self) -> State | None:
        """What was last verified; ``None`` where nothing was, or it is not whole."""
        try:
            state = State(**json.loads((self.folder / "state.json").read_bytes()))
            expiry, usable = state.expiry, self.catalogue(state.digest).is_file()
        except (OSError, ValueError, TypeError, AttributeError):
            return None
        aware = expiry is None or expiry.tzinfo is not None
        return state if usable and aware else None

    def catalogue(self, digest: str) -> Path:
        """The place of a catalogue."""
        return self.folder / "catalogues" / digest / "catalogue.json"

    def entries(self, digest: str) -> Path:
        """The place of what is searched."""
        return self.folder / "catalogues" / digest / "entries.sqlite"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """While one process changes the store, others wait."""
        from filelock import FileLock

        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "lock"):
            yield

    def stage(self, metadata: str = "") -> Path:
        """A new folder for metadata, with a copy of what is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="m-", dir=self.folder))
        if metadata and (self.folder / metadata).is_dir():
            shutil.copytree(
                self.folder / metadata,
                fresh,
                dirs_exist_ok=True,
                symlinks=True,
                ignore=shutil.ignore_patterns("root.json"),
            )
        return fresh

    def keep(self, state: State) -> None:
        """Makes a state the current one, and clears what is older; call it while locked."""
        write_whole(self.folder / "state.json", json.dumps(asdict(state)).encode())
        old = time.time() - _KEPT
        for path in (*self.folder.glob("m-*"), *self.folder.glob("catalogues/*")):
            current = path.name in (state.metadata, state.digest)
            if not current and path.stat().st_mtime < old:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:  # a download that was killed
                    path.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
