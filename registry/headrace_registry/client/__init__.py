"""The client of registries: their verified catalogues and wheels, from the network or the cache."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
    "Hit": "headrace_registry.searching",
    "Look": "headrace_registry.client._look",
    "RegistryClient": "headrace_registry.client._client",
    "Snapshot": "headrace_registry.client._snapshot",
    "State": "headrace_registry.client._store",
    "Store": "headrace_registry.client._store",
    "cache_folder": "headrace_registry.client._store",
    "look_at": "headrace_registry.client._look",
    "netrc_for": "headrace_registry.client._netrc",
    "recent": "headrace_registry.client._snapshot",
    "search": "headrace_registry.searching",
}


def __getattr__(name: str) -> Any:  # a search needs the store alone
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
