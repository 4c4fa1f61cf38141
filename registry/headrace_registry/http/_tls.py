"""The authorities that a registry's certificate is checked against."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_registry.http._remote import failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace_registry.settings import RegistrySettings

__all__ = ["bundle", "joined"]

_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def bundle(registry: RegistrySettings, folder: Path) -> str:
    """A file of the authorities for a registry: the environment's or the usual, and its own.

    Raises:
        DownloadError: A file of authorities cannot be read.
    """
    try:
        path = joined([registry], folder)
        path.read_bytes()
    except OSError as error:
        what = f"the file of authorities ({' or '.join(_VARIABLES)}) cannot be read"
        raise failure(registry, what, where=str(error.filename), why=str(error.strerror)) from None
    return str(path)


def joined(registries: Iterable[RegistrySettings], folder: Path) -> Path:
    """One file of authorities for several registries.

    Raises:
        DownloadError: A registry's file of authorities cannot be read.
    """
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    said = next((os.environ[one] for one in _VARIABLES if os.environ.get(one)), "")
    base = Path(said or DEFAULT_CA_BUNDLE_PATH)
    own = [_own(one) for one in registries if one.ca is not None]
    if not own:
        return base
    data = b"\n".join([base.read_bytes(), *own])
    path = folder / f"{hashlib.sha256(data).hexdigest()[:32]}.pem"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f".{path.name}.{os.getpid()}"
        fresh.write_bytes(data)
        fresh.replace(path)
    return path


def _own(registry: RegistrySettings) -> bytes:
    import ssl

    path = registry.ca
    assert path is not None  # noqa: S101 - the caller looked
    try:
        data = path.read_bytes()
        ssl.create_default_context(cadata=data.decode("ascii"))
    except (OSError, UnicodeDecodeError, ssl.SSLError) as error:
        raise failure(
            registry, "its file of authorities cannot be read", where=str(path), why=str(error)
        ) from None
    return data
