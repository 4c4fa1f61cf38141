"""Which hosts a script may reach, and at which addresses."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

__all__ = ["Rule", "may_connect", "rules_of"]

_PORTS = (80, 443)  # of a grant that names none
_PRIVATE = tuple(
    ipaddress.ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One host that is granted, or all below a domain."""

    host: str
    """The name or address, in lower case; of a wildcard, the domain with a dot before it."""
    ports: tuple[int, ...]
    """The ports."""
    below: bool = False
    """Whether names below the domain are meant, and not itself."""

    def names(self, host: str, port: int) -> bool:
        """Whether it grants a host and port."""
        if port not in self.ports:
            return False
        return host.endswith(self.host) if self.below else host == self.host


def rules_of(granted: tuple[str, ...]) -> tuple[Rule, ...]:
    """Grants as they are written: ``HOST``, ``HOST:PORT``, ``*.DOMAIN``, ``*.DOMAIN:PORT``."""
    rules = []
    for one in granted:
        host, _, port = one.lower().partition(":")
        ports = (int(port),) if port else _PORTS
        below = host.startswith("*.")
        rules.append(Rule(host[1:] if below else host, ports, below))
    return tuple(rules)


def may_connect(rules: tuple[Rule, ...], host: str, port: int, address: str) -> bool:
    """Whether a host may be reached at an address that its name was resolved to.

    Whoever owns a granted name chooses where it leads. So this machine, its links (clouds answer
    there with credentials) and other special addresses are reached only where a grant has the
    address itself, or ``localhost``; a private network, only by a grant of the very name.
    """
    rule = next((one for one in rules if one.names(host, port)), None)
    if rule is None:
        return False
    there = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(there, ipaddress.IPv6Address):
        there = there.ipv4_mapped or there.sixtofour or there
    if host == address or (host == "localhost" and there.is_loopback):
        return not rule.below
    if there.is_loopback or there.is_link_local or there.is_multicast or there.is_unspecified:
        return False
    if there.is_global and not there.is_reserved:
        return True
    private = (
        ipaddress.ip_network(one)
        for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
    )
    return not rule.below and any(there in one for one in private if one.version == there.version)
