"""A link between two programs on loopback that can be cut, slowed, and made deaf in one way."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["WAYS", "Link", "Way"]

Way = Literal["open", "cut", "slow", "half_open"]
"""``cut``: every connection is reset, and so are new ones. ``slow``: each piece takes its time.
``half_open``: what is sent arrives, and nothing ever comes back."""
WAYS: tuple[Way, ...] = ("cut", "slow", "half_open")
_DELAY = 0.2
_PIECE = 65_536


class Link:
    """Passes on what comes to its port.

    Args:
        target: The port on loopback, or the path of the socket, that it leads to.
    """

    def __init__(self, target: int | str) -> None:
        self._target = target
        self._way: Way = "open"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._passed, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def be(self, way: Way) -> None:
        """Turns to another way; a change resets the connections that are there."""
        self._call(self._turn(way))

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _turn(self, way: Way) -> None:
        before, self._way = self._way, way
        if way == "cut" or before == "half_open":
            self._reset_all()

    async def _close(self) -> None:
        self._server.close()
        self._reset_all()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _reset_all(self) -> None:
        for writer in self._writers:
            _reset(writer)
        self._writers.clear()

    async def _passed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._way == "cut":
            _reset(writer)
            return
        self._writers.add(writer)
        with suppress(OSError):
            there, back = await self._connected()
            self._writers.add(back)
            with suppress(OSError, asyncio.IncompleteReadError):
                await asyncio.gather(
                    self._carry(reader, back), self._carry(there, writer, answers=True)
                )
            back.close()
            self._writers.discard(back)
        writer.close()
        self._writers.discard(writer)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, str):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection("127.0.0.1", self._target)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool = False
    ) -> None:
        while piece := await reader.read(_PIECE):
            if self._way == "slow":
                await asyncio.sleep(_DELAY)
            if answers and self._way == "half_open":
                continue
            writer.write(piece)
            await writer.drain()
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection as a cable that is pulled out does: without a goodbye."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
