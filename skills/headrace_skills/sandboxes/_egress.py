"""The way out of a sandbox that has no network: a proxy of the worker, to granted hosts alone.

The listening socket is made inside the sandbox, in its own network, and handed out to the worker
(``_inside/_doorway.py``). So nothing runs in the sandbox for it, and nothing else listens. Names
are resolved here: the sandbox has no name service, through which data would leave.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from headrace_skills.sandboxes._hosts import may_connect, rules_of
from headrace_skills.sandboxes._http import (
    BadRequestError,
    Target,
    read_head,
    refusal,
    relay,
    relay_request,
)

__all__ = ["DOORWAY", "PORT", "Egress", "proxy_environment"]

DOORWAY = "/run/headrace/doorway.py"
"""The program that opens the door, as the sandbox sees it."""
PORT = 3128
_MOST = 32  # connections at a time
_CONNECT = 15.0  # seconds
_IDLE = 120.0


def proxy_environment(granted: tuple[str, ...]) -> dict[str, str]:
    """The variables that HTTP clients look for."""
    hosts = {rule.host for rule in rules_of(granted)}
    # A script may serve itself; unless it is granted the worker's machine by that very name.
    own = ",".join(one for one in ("localhost", "127.0.0.1") if one not in hosts)
    address = f"http://127.0.0.1:{PORT}"
    said = {"HTTP_PROXY": address, "HTTPS_PROXY": address, "ALL_PROXY": address, "NO_PROXY": own}
    return {**said, **{name.lower(): value for name, value in said.items()}}


class Egress:
    """The proxy of one run; closed, it ends all its connections."""

    def __init__(self, granted: tuple[str, ...]) -> None:
        self._rules = rules_of(granted)
        self._granted = granted
        self._ours, self._theirs = socket.socketpair()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = {self._ours}
        self._closed = False
        self._slots = threading.BoundedSemaphore(_MOST)
        self._thread = threading.Thread(target=self._serve, name="headrace-egress", daemon=True)

    def __enter__(self) -> Egress:  # noqa: PYI034 - Self is newer than Python 3.10
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        self._theirs.close()
        self._thread.join()

    def door(self) -> int:
        """The descriptor that the doorway hands its socket out through; the caller's to close."""
        return self._theirs.detach()

    def _hold(self, one: socket.socket) -> bool:
        """Have a socket shut at the end; False if that is now."""
        with self._lock:
            self._open.add(one)
            return not self._closed

    def _let_go(self, one: socket.socket) -> None:
        with self._lock:
            self._open.discard(one)
        one.close()

    def _serve(self) -> None:
        listener = self._receive()
        if listener is None:
            return
        try:
            while self._hold(listener):
                client, _ = listener.accept()
                if not self._hold(client) or not self._slots.acquire(blocking=False):
                    self._let_go(client)
                    continue
                threading.Thread(
                    target=self._answer, args=(client,), name="headrace-egress", daemon=True
                ).start()
        except OSError:
            pass  # it was shut: the run is over
        finally:
            self._let_go(listener)

    def _receive(self) -> socket.socket | None:
        fds: list[int] = []
        with suppress(OSError):
            _, fds, _, _ = socket.recv_fds(self._ours, 1, 1)
        self._let_go(self._ours)
        return socket.socket(fileno=fds[0]) if fds else None

    def _answer(self, client: socket.socket) -> None:
        try:
            client.settimeout(_IDLE)
            self._forward(client)
        except BadRequestError as error:
            with suppress(OSError):
                client.sendall(refusal(error))
        except OSError:
            pass  # one of the two hung up
        finally:
            self._let_go(client)
            self._slots.release()

    def _forward(self, client: socket.socket) -> None:
        head = read_head(client)
        server = self._connect(head.target)
        try:
            if not self._hold(server):
                return
            server.settimeout(_IDLE)
            if head.tunnel:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                if head.rest:
                    server.sendall(head.rest)
                relay(client, server)
            else:
                relay_request(head, client, server)
        finally:
            self._let_go(server)

    def _connect(self, target: Target) -> socket.socket:
        host, port = target
        if not any(rule.names(host, port) for rule in self._rules):
            raise BadRequestError(
                403, f"the host {host}:{port} is not granted; granted are {' '.join(self._granted)}"
            )
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise BadRequestError(502, f"the name {host} is not known") from None
        addresses = [str(one[4][0]) for one in found]
        allowed = [one for one in addresses if may_connect(self._rules, host, port, one)]
        if not allowed:
            raise BadRequestError(
                403, f"{host} leads to {addresses[0]}, an address that is not granted with it"
            )
        for address in allowed:
            with suppress(OSError):
                return socket.create_connection((address, port), _CONNECT)
        raise BadRequestError(502, f"{host}:{port} cannot be reached")
