"""A place to listen at, taken before the server runs."""

from __future__ import annotations

import socket
from typing import Any

from headrace_cli._errors import CommandError

__all__ = ["LOOPBACK_NAMES", "listener"]

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
"""The names by which this machine is asked: another site's that leads here (DNS rebinding) is
refused."""


def listener(config: Any) -> socket.socket:
    """The socket of a server's host and port, bound.

    Raises:
        CommandError: It cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    made = socket.socket(family=family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((config.host, config.port))
        made.listen(128)  # whoever reads the address may ask: it waits until the server runs
    except OSError as error:
        made.close()
        raise CommandError(
            f"{config.host}:{config.port} cannot be listened on: {error.strerror}",
            then="--port 0 takes a free one",
        ) from None
    return made
