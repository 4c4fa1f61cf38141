"""Credentials for the installer: in a private file that is gone when it is done."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headrace_registry.errors import SettingsError
from headrace_registry.http._credentials import (
    credentials_for,
    is_private,
    keyring_for,
    user_netrc,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from headrace_registry.http._credentials import Credentials
    from headrace_registry.settings import RegistrySettings

__all__ = ["netrc_for"]


@contextmanager
def netrc_for(
    registries: Collection[RegistrySettings], *, tls: Path, ask_keyring: Collection[str] = ()
) -> Iterator[dict[str, str]]:
    """Variables for a process that downloads from registries, such as uv.

    Args:
        registries: The registries.
        tls: A folder for files of authorities.
        ask_keyring: The names of registries whose credentials are in the keyring.

    Yields:
        ``NETRC``, a file that only the user may read, with the credentials of the registries'
        hosts and what the user's own file has for others; ``SSL_CERT_FILE``, where a registry has
        authorities of its own.

    Raises:
        SettingsError: Two registries of one host want different credentials, or some have
            characters that such a file cannot hold.
    """
    hosts: dict[str, Credentials] = {}
    for registry in registries:
        host = urlsplit(registry.url).hostname
        if not host or not is_private(registry.url):
            continue
        found = credentials_for(registry)
        if found is None and registry.name in ask_keyring:
            found = keyring_for(registry)
        if found is None:
            continue
        before = hosts.setdefault(host, found)
        if (before.username, before.password) != (found.username, found.password):
            raise SettingsError(
                f"two registries on {host} have different credentials, and the installer knows "
                f"one for a host\n  where: {before.origin} and {found.origin}"
            )
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        path = Path(folder, "netrc")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(_text(hosts))
        more = {"NETRC": str(path)}
        if any(one.ca is not None for one in registries):
            from headrace_registry.http._tls import joined

            more["SSL_CERT_FILE"] = str(joined(registries, tls))
        yield more


def _text(hosts: dict[str, Credentials]) -> str:
    lines = [
        _line(f"machine {host}", one.username, one.password, one.origin)
        for host, one in sorted(hosts.items())
    ]
    own, path = user_netrc()
    for host, (login, _, password) in (own.hosts if own else {}).items():
        if host not in hosts and password:
            start = "default" if host == "default" else f"machine {host}"
            lines.append(_line(start, login or "", password, str(path)))
    # What follows "default" is not looked at.
    return "".join(sorted(lines, key=lambda line: line.startswith("default")))


def _line(start: str, user: str, password: str, origin: str) -> str:
    for text in (user, password):
        if any(character.isspace() or character in "\"'\\" for character in text) or not (
            text.isprintable()
        ):
            raise SettingsError(
                "a user or password with spaces, quotes or backslashes cannot be handed to the "
                f"installer\n  where: {origin}"
            )
    return f"{start} login {user} password {password}\n"
