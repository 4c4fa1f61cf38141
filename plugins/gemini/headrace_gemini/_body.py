"""The body of an answer, on its way to the vendor's client: bounded, and in lines it can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from headrace.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["LARGEST", "CheckedBody"]

LARGEST = 64 * 1024 * 1024
"""Bytes of an answer; the longest answers of the provider's models are about a hundredth of it."""
_LINE_ENDS = {
    "\u0085".encode(): b"\\u0085",
    "\u2028".encode(): b"\\u2028",
    "\u2029".encode(): b"\\u2029",
}
"""Ends of lines to older versions of the client, and plain characters of a text to JSON."""


class CheckedBody(httpx.AsyncByteStream):
    """A body, line by line.

    Args:
        body: What the server sends.
        host: The server, for errors.

    Raises:
        ModelError: ``bad_response``, while it is read: it is too large.
    """

    def __init__(self, body: object, host: str) -> None:
        assert isinstance(body, httpx.AsyncByteStream)  # noqa: S101 - the async client's always is
        self._body = body
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        rest: list[bytes] = []
        async for piece in self._body:
            size += len(piece)
            if size > LARGEST:
                raise ModelError(
                    f"the answer of {self._host} is longer than {LARGEST} bytes",
                    code="bad_response",
                )
            first, *others = piece.split(b"\n")
            rest.append(first)
            for begin in others:
                yield _readable(b"".join(rest)) + b"\n"
                rest = [begin]
        yield _readable(b"".join(rest))

    async def aclose(self) -> None:
        """Closes the connection, or gives it back."""
        await self._body.aclose()


def _readable(line: bytes) -> bytes:
    for character, escape in _LINE_ENDS.items():
        line = line.replace(character, escape)
    return line
