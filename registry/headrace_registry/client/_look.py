"""A first look at a registry, before a project trusts it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_registry.client._client import RegistryClient
from headrace_registry.client._store import cache_folder
from headrace_registry.errors import DownloadError
from headrace_registry.http import MissingError, open_remote
from headrace_registry.trust._fingerprint import MAX_ROOT, RootInfo, read_root

if TYPE_CHECKING:
    from headrace_registry.client._snapshot import Snapshot
    from headrace_registry.http import Limits
    from headrace_registry.settings import RegistrySettings

__all__ = ["Look", "look_at"]


@dataclass(frozen=True, slots=True)
class Look:
    """What a registry shows of itself."""

    registry: RegistrySettings
    """The registry, with the key that it gives."""
    root: RootInfo | None
    """Its first root of trust; ``None``: it is not signed."""
    snapshot: Snapshot
    """What it has, verified with that key."""


def look_at(
    registry: RegistrySettings,
    *,
    signed: bool,
    cache: Path | None = None,
    limits: Limits | None = None,
) -> Look:
    """Looks at a registry that the project does not know.

    Args:
        registry: The registry; a key that it has must be the one that is found.
        signed: Whether it has to be signed.
        cache: The folder of all caches; else ``cache_folder()``.
        limits: How long it may take.

    Raises:
        TrustError: It is not what the key signed, or is neither signed nor behind TLS.
        DownloadError: It cannot be had, or is not signed.
        CatalogueError: Its catalogue cannot be read, or has names that mislead.
    """
    info = None
    if signed:
        remote = open_remote(registry, (cache or cache_folder()) / "tls", limits)
        try:
            info = read_root(b"".join(remote.read("metadata/1.root.json", MAX_ROOT)))
        except MissingError:
            raise DownloadError(
                f"registry {registry.name!r}: it is not signed: it has no metadata/1.root.json\n"
                f"  where: {registry.url}\n"
                "  next:  see that the address is right; an unsigned one you take with --unsigned"
            ) from None
        finally:
            remote.close()
        registry = replace(registry, key=registry.key or info.fingerprint)
    # What is only looked at leaves nothing in the cache.
    with (
        tempfile.TemporaryDirectory(prefix="headrace-") as folder,
        RegistryClient(registry, cache=Path(folder), limits=limits) as client,
    ):
        snapshot = client.refresh()
        _ = snapshot.catalogue  # read while it is there
    return Look(registry, info, snapshot)
