"""Who one is to a private registry: from the environment, ``.netrc`` or a keyring.

Credentials belong to one host. They are never in an address, an error or a log.
"""

from __future__ import annotations

import ipaddress
import netrc
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from headrace_registry.settings import RegistrySettings

__all__ = ["Credentials", "credentials_for", "is_private", "keyring_for", "user_netrc", "variables"]

TOKEN_USER = "__token__"  # noqa: S105 - a user's name, as package indexes take it
"""The user that a token is sent with."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password."""

    username: str
    """The user."""
    password: str = field(repr=False)
    """The password, or a token."""
    origin: str
    """Where they were found; may be shown."""


def variables(registry: RegistrySettings) -> tuple[str, str, str]:
    """The names of the variables for a registry's token, user and password."""
    name = registry.name.upper().replace("-", "_")
    return tuple(f"HEADRACE_REGISTRY_{name}_{one}" for one in ("TOKEN", "USERNAME", "PASSWORD"))  # type: ignore[return-value]


def is_private(url: str) -> bool:
    """Whether nobody on the way can read what is sent: by TLS, or to this machine itself."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return True
    host = parts.hostname or ""
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def credentials_for(registry: RegistrySettings) -> Credentials | None:
    """What the environment, or else the user's ``.netrc``, has for a registry."""
    token, user, password = variables(registry)
    if os.environ.get(token):
        return Credentials(TOKEN_USER, os.environ[token], token)
    if os.environ.get(password):
        return Credentials(os.environ.get(user, ""), os.environ[password], password)
    found, path = user_netrc()
    entry = found.authenticators(urlsplit(registry.url).hostname or "") if found else None
    if entry is None or not entry[2]:
        return None
    return Credentials(entry[0] or "", entry[2], str(path))


def keyring_for(registry: RegistrySettings) -> Credentials | None:
    """What the keyring has for a registry's address, or for its host; it may ask the user."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    for service in (registry.url, urlsplit(registry.url).hostname or ""):
        try:
            found = keyring.get_credential(service, None)
        except (KeyringError, OSError):  # a keyring that is locked or broken holds nothing for us
            return None
        if found is not None and found.password:
            return Credentials(found.username, found.password, "keyring")
    return None


def user_netrc() -> tuple[netrc.netrc | None, Path]:
    """The user's own file of credentials, if there is one that can be read, and its place."""
    said = os.environ.get("NETRC")
    path = Path(said) if said else Path.home() / ".netrc"
    try:
        return netrc.netrc(str(path)), path
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None, path
