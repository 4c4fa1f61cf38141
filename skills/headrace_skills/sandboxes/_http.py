"""As much of HTTP as a forwarding proxy needs: one request a connection, strictly read."""

from __future__ import annotations

import re
import selectors
import socket
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["BadRequestError", "Head", "Target", "read_head", "refusal", "relay", "relay_request"]

_MOST_HEAD = 64 * 1024
_PIECE = 64 * 1024
_IDLE = 120.0
_LINE = re.compile(rb"([A-Z]{1,20}) ([!-~]+) HTTP/1\.[01]")
_AUTHORITY = re.compile(
    rb"([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([1-9][0-9]{0,4}))?", re.IGNORECASE
)
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")
# What is said between a client and its proxy; the host is told anew, from the address.
_HOP = {
    b"connection",
    b"proxy-connection",
    b"keep-alive",
    b"proxy-authorization",
    b"te",
    b"upgrade",
    b"trailer",
    b"host",
}


class BadRequestError(Exception):
    """A request that is not forwarded."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Target(NamedTuple):
    """Where a request goes."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Head:
    """A request, up to its body."""

    target: Target
    """Where it goes."""
    tunnel: bool
    """Whether it is CONNECT."""
    sent: bytes
    """What the server is sent."""
    rest: bytes
    """What was read beyond the head."""
    length: int
    """Bytes of its body."""


def read_head(client: socket.socket) -> Head:
    """Read a request.

    Raises:
        BadRequestError: It is none that a proxy forwards.
        OSError: The client hung up.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(_PIECE)
        if not piece:
            raise ConnectionError
        data += piece
        if len(data) > _MOST_HEAD:
            raise BadRequestError(431, "the request's head is too long")
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    line = _LINE.fullmatch(first)
    if line is None:
        raise BadRequestError(400, "this is no HTTP request")
    method, address = line.groups()
    if method == b"CONNECT":
        return Head(_target(address, 443), tunnel=True, sent=b"", rest=rest, length=0)
    if address[:7].lower() != b"http://":
        raise BadRequestError(400, "a proxy is asked with a whole http:// address, or CONNECT")
    authority, slash, path = address[7:].partition(b"/")
    headers = [_header(one) for one in lines]
    kept = b"".join(b"%s: %s\r\n" % pair for pair in headers if pair[0].lower() not in _HOP)
    sent = b"%s /%s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n"
    sent %= (method, path if slash else b"", authority, kept)
    return Head(_target(authority, 80), tunnel=False, sent=sent, rest=rest, length=_length(headers))


def _target(authority: bytes, port: int) -> Target:
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise BadRequestError(400, "the address names no host")
    named = int(found[2]) if found[2] else port
    return Target(found[1].decode().lower(), named)


def _header(line: bytes) -> tuple[bytes, bytes]:
    found = _HEADER.fullmatch(line)
    if found is None:
        raise BadRequestError(400, "a header cannot be read")
    return found[1], found[2]


def _length(headers: list[tuple[bytes, bytes]]) -> int:
    # Two lengths, or a length and pieces, are how a second request is smuggled behind a first.
    if any(name.lower() == b"transfer-encoding" for name, _ in headers):
        raise BadRequestError(411, "a body must come with its length")
    lengths = [value.strip() for name, value in headers if name.lower() == b"content-length"]
    if not lengths:
        return 0
    if len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,15}", lengths[0]):
        raise BadRequestError(400, "the body's length cannot be read")
    return int(lengths[0])


def refusal(error: BadRequestError) -> bytes:
    """The answer to a request that is not forwarded."""
    told = f"headrace: {error}\n".encode()
    head = f"HTTP/1.1 {error.code} Refused\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(told)}\r\nConnection: close\r\n\r\n".encode() + told


def relay_request(head: Head, client: socket.socket, server: socket.socket) -> None:
    """Send a request with its body, and nothing after it; give back the answer."""
    body = head.rest[: head.length]
    server.sendall(head.sent + body)
    left = head.length - len(body)
    while left:
        piece = client.recv(min(_PIECE, left))
        if not piece:
            return
        server.sendall(piece)
        left -= len(piece)
    while piece := server.recv(_PIECE):
        client.sendall(piece)


def relay(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until both sides have ended, or neither says anything for long."""
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while selector.get_map():
            ready = selector.select(_IDLE)
            if not ready:
                return
            for key, _ in ready:
                source, sink = key.fileobj, key.data
                piece = source.recv(_PIECE)  # type: ignore[union-attr]
                if piece:
                    sink.sendall(piece)
                else:
                    selector.unregister(source)
                    sink.shutdown(socket.SHUT_WR)  # the other way may go on
