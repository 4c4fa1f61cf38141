"""The body of an answer, on its way to the vendor's client: bounded, and in lines it can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from headrace.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

__all__ = ["LARGEST", "CheckedBody"]

LARGEST = 64 * 1024 * 1024
"""Bytes that an answer may have: some hundred thousand tokens, streamed one by one."""

_LINE_ENDS = {
    "\u0085".encode(): b"\\u0085",
    "\u2028".encode(): b"\\u2028",
    "\u2029".encode(): b"\\u2029",
}
"""Ends of lines to the vendor's HTTP client, and plain characters of a text to JSON."""


class CheckedBody(httpx.AsyncByteStream):
    """A body, line by line.

    Args:
        body: What the server sends.
        headers: The headers of the answer.
        where: The server, for errors.

    Raises:
        ModelError: ``bad_response``, while it is read: it is too large, compressed though that was
            not asked for, or no UTF-8.
    """

    def __init__(self, body: object, headers: Mapping[str, str], where: str) -> None:
        assert isinstance(body, httpx.AsyncByteStream)  # noqa: S101 - the async client's always is
        self._body = body
        self._encoding = headers.get("content-encoding", "identity").strip().lower()
        self._where = where

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._encoding != "identity":
            raise self._bad(f"is compressed ({self._encoding[:20]!r}), which was not asked for")
        size = 0
        rest: list[bytes] = []
        async for chunk in self._body:
            size += len(chunk)
            if size > LARGEST:
                raise self._bad(f"has more than {LARGEST} bytes")
            first, *others = chunk.split(b"\n")
            rest.append(first)
            for begin in others:
                if line := self._line(b"".join(rest)):
                    yield line + b"\n"
                rest = [begin]
        yield self._line(b"".join(rest))

    async def aclose(self) -> None:
        """Closes the connection, or gives it back."""
        await self._body.aclose()

    def _line(self, line: bytes) -> bytes:
        line = line.strip()  # proxies keep a connection alive with empty lines
        for character, escape in _LINE_ENDS.items():
            line = line.replace(character, escape)
        if not _is_utf8(line):
            raise self._bad("is not UTF-8")
        return line

    def _bad(self, why: str) -> ModelError:
        return ModelError(f"the answer of {self._where} {why}", code="bad_response")


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
