"""Ports of this machine that are free."""

from __future__ import annotations

import secrets
import socket

from headrace_registry.clusters._local_errors import ClusterStartError
from headrace_registry.clusters._local_settings import HOST

__all__ = ["check_free", "free_ports"]

# Below those that the kernel gives to outgoing connections: a JobManager that is started again
# finds its port free still.
_FIRST, _LAST = 20_000, 32_000
_TRIES = 200


def free_ports(count: int) -> list[int]:
    """Ports at which nobody listens."""
    draw = secrets.SystemRandom()
    found: list[int] = []
    for _ in range(_TRIES):
        if len(found) == count:
            return found
        port = draw.randrange(_FIRST, _LAST)
        if port not in found and _free(port):
            found.append(port)
    raise ClusterStartError(
        f"no free port was found between {_FIRST} and {_LAST} at {HOST}\n"
        "  next:  end what listens there; `ss -ltn` lists it"
    )


def check_free(port: int) -> None:
    """Refuses a port at which somebody listens.

    Raises:
        ClusterStartError: With what to do.
    """
    if not _free(port):
        raise ClusterStartError(
            f"port {port} is taken: something else listens there\n  where: {HOST}:{port}\n"
            "  next:  give another with --port, or none: a free one is found"
        )


def _free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True
