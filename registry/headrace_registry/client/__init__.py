"""The client of registries: their verified catalogues and wheels, from the network or the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace_registry.client._client import RegistryClient
    from headrace_registry.client._look import Look, look_at
    from headrace_registry.client._netrc import netrc_for
    from headrace_registry.client._snapshot import Snapshot, recent
    from headrace_registry.client._store import State, Store, cache_folder
    from headrace_registry.searching import Hit, search

__all__ = [
    "Hit",
    "Look",
    "RegistryClient",
    "Snapshot",
    "State",
    "Store",
    "cache_folder",
    "look_at",
    "netrc_for",
    "recent",
    "search",
]

_HOMES = {
    "_client": ("RegistryClient",),
    "_look": ("Look", "look_at"),
    "_netrc": ("netrc_for",),
    "_snapshot": ("Snapshot", "recent"),
    "_store": ("State", "Store", "cache_folder"),
    ".searching": ("Hit", "search"),
}

__getattr__ = lazily(__name__, _HOMES)
