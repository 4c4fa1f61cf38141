"""How AWS's client sends: by its own HTTP session, without redirects and with answers bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiobotocore.httpsession import AIOHTTPSession

from headrace.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp

__all__ = ["LARGEST", "HttpSession"]

LARGEST = 64 * 1024 * 1024
"""Bytes of an answer; the longest answers of models are about a hundredth of it."""


class HttpSession(AIOHTTPSession):  # type: ignore[misc] # aiobotocore has no types
    """The client's own session, which follows no redirect and reads no answer without end."""

    async def send(self, request: Any) -> Any:
        """Sends a request; gives the answer."""
        answer = await super().send(request)
        # That it was asked for its sessions is not promised: see that it still is so.
        assert isinstance(answer.raw.content, _Bounded)  # noqa: S101
        return answer

    async def _get_session(self, proxy_url: str | None) -> Any:
        return _Careful(await super()._get_session(proxy_url))


class _Careful:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def request(self, method: str, **more: Any) -> Any:
        # A redirect would take the signature and the conversation to another server.
        answer: Any = await self._session.request(method, allow_redirects=False, **more)
        answer.content = _Bounded(answer.content)
        return answer


class _Bounded:
    """The body of an answer, of which no more than ``LARGEST`` bytes are read."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def read(self, most: int = -1) -> bytes:
        """All of the body, or the next bytes of it."""
        if most >= 0:
            return self._counted(await self._content.read(most))
        pieces = []
        while piece := self._counted(await self._content.readany()):
            pieces.append(piece)
        return b"".join(pieces)

    async def iter_chunks(self) -> AsyncIterator[tuple[bytes, bool]]:
        """The pieces of the body as they come."""
        async for piece, whole in self._content.iter_chunks():
            yield self._counted(piece), whole

    def _counted(self, piece: bytes) -> bytes:
        self._size += len(piece)
        if self._size > LARGEST:
            raise ModelError(f"the answer is longer than {LARGEST} bytes", code="bad_response")
        return piece
