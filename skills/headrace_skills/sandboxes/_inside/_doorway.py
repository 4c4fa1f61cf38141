"""Run inside a sandbox with a network of its own: opens the door to the worker's proxy.

    doorway.py DESCRIPTOR PROGRAM ARGUMENT...

It listens where the proxy is looked for, hands the socket out through DESCRIPTOR, and becomes the
program. It is run as a file, and imports nothing of headrace.
"""

from __future__ import annotations

import os
import socket
import sys

PORT = 3128


def main(descriptor: int, argv: list[str]) -> None:
    """Opens the door, and goes on as the program."""
    with (
        socket.socket(fileno=descriptor) as out,
        socket.create_server(("127.0.0.1", PORT), backlog=64) as listener,
    ):
        socket.send_fds(out, [b"."], [listener.fileno()])
    try:
        os.execv(argv[0], argv)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"{argv[0]}: {error.strerror}")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
