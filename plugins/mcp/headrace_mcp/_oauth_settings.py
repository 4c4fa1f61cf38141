"""How a server's tokens are had by OAuth: the settings, and which addresses may be asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from headrace.providers import url_faults, variable_faults

__all__ = ["OAuth", "origin", "read_oauth", "unsafe"]

_PERSON, _MACHINE = "authorization_code", "client_credentials"


@dataclass(frozen=True, slots=True)
class OAuth:
    """The argument ``oauth`` of ``McpTools``, as it was given."""

    grant: str = _PERSON
    """``authorization_code``: a person signs in once; ``client_credentials``: nobody does."""
    issuer: str | None = None
    """The authorization server, as it names itself."""
    client_id: str | None = None
    """What the authorization server knows the client by."""
    client_secret_env: str | None = None
    """The environment variable of the client's secret."""

    @property
    def by_a_person(self) -> bool:
        """Whether somebody has to sign in."""
        return self.grant == _PERSON

    def faults(self, server: str) -> list[str]:
        """All that is wrong with them, for a server's address."""
        faults = variable_faults({"oauth: client_secret_env": self.client_secret_env})
        if self.grant not in {_PERSON, _MACHINE}:
            faults.append(f'oauth: grant is "{_PERSON}" or "{_MACHINE}", not {self.grant!r}')
        if why := unsafe(server, server):
            faults.append(f"oauth: url {why}")
        if self.issuer is not None:
            faults += url_faults(self.issuer, "oauth: issuer")
            why = unsafe(self.issuer, server)
            faults += [f"oauth: issuer {why}"] if why else []
        if self.client_secret_env and not self.client_id:
            faults.append("oauth: client_secret_env is for a client_id")
        if self.grant == _MACHINE:
            needed = ("issuer", "client_id", "client_secret_env")
            faults += [
                f"oauth: {_MACHINE} needs {name}" for name in needed if not getattr(self, name)
            ]
        return faults


def read_oauth(given: Any) -> tuple[OAuth | None, list[str]]:
    """The settings, and what is wrong with their form."""
    if given is None:
        return None, []
    if not isinstance(given, Mapping):
        return None, ["oauth is a table"]
    known = [field.name for field in fields(OAuth)]
    unknown = [str(name) for name in given if name not in known]
    faults = [f"oauth: there is no {name} (there is: {', '.join(known)})" for name in unknown]
    faults += [
        f"oauth: {name} is a text"
        for name in known
        if given.get(name) is not None and not isinstance(given[name], str)
    ]
    return (None, faults) if faults else (OAuth(**given), [])


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname or "", port


def unsafe(url: str, server: str) -> str:
    """Why an address may not be asked for a server's tokens; empty: it may.

    Only ``https`` may, and nothing that lies within this machine or its network: a server must not
    choose what is asked there. On this machine itself (``127.0.0.1``) all may be ``http``.
    """
    try:
        scheme, host, _ = origin(url)
        parts = urlsplit(url)
        here = _is_loopback(origin(server)[1])
    except ValueError:
        return "is no address"
    if parts.username is not None or parts.password is not None:
        return "holds a user or a password"
    if scheme == "http" and here and _is_loopback(host):
        return ""
    if scheme != "https" or not host:
        return "must begin with https://, as whoever listens could take the tokens"
    if not here and _is_inside(host):
        return "lies within this machine or its network"
    return ""


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _is_inside(host: str) -> bool:
    address = _address(host)
    return _is_loopback(host) if address is None else not address.is_global


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
