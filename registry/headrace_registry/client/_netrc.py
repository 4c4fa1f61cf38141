"""Credentials of registries, for a process that downloads from them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from headrace_registry.client._store import Store, cache_folder
from headrace_registry.http import netrc_for as _netrc_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from headrace_registry.settings import RegistrySettings

__all__ = ["netrc_for"]


@contextmanager
def netrc_for(
    registries: Collection[RegistrySettings], *, cache: Path | None = None
) -> Iterator[dict[str, str]]:
    """Variables for a process that downloads from registries, such as uv.

    Args:
        registries: The registries.
        cache: The folder of all caches; else ``cache_folder()``.

    Yields:
        ``NETRC``, a private file with credentials, gone afterwards; ``SSL_CERT_FILE``, where a
        registry has authorities of its own.

    Raises:
        SettingsError: Credentials that cannot be handed over so.
    """
    states = {one.name: Store(one, cache).state() for one in registries}
    asked = [name for name, state in states.items() if state is not None and state.keyring]
    folder = cache_folder() if cache is None else cache
    with _netrc_for(registries, tls=folder / "tls", ask_keyring=asked) as more:
        yield more
