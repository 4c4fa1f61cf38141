"""The sessions of a worker with a server: one for all, or one for each key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from headrace.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace_mcp._connection import Connection

__all__ = ["LostError", "Sessions", "backoff"]

_FIRST, _LONGEST = 0.5, 30.0


def backoff(failures: int) -> float:
    """Seconds to wait before a server is started, after it failed so many times in a row."""
    return min(_LONGEST, _FIRST * 2 ** min(failures - 1, 10)) if failures else 0.0


class LostError(Exception):
    """The connection was lost, or was not to be had, while something was asked."""

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.sent = sent
        """Whether the server may have begun with what was asked."""


class _Slot:
    """The session of one key."""

    __slots__ = ("connecting", "connection", "failures", "waiting")

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.connecting: asyncio.Task[Connection] | None = None
        self.failures = 0
        self.waiting = 0

    @property
    def idle(self) -> bool:
        busy = self.connection is not None and self.connection.busy
        return not (busy or self.connecting or self.waiting)


class Sessions:
    """The sessions, connected when they are asked for.

    Args:
        make: Makes a connection; it is not open yet.
        limit: How many there may be.
        opened: Told of each connection that was opened.
    """

    def __init__(
        self,
        make: Callable[[], Connection],
        limit: int,
        opened: Callable[[Connection, int], None],
    ) -> None:
        self._make = make
        self._limit = limit
        self._opened = opened
        self._slots: dict[str, _Slot] = {}  # the one that was asked for last stands last
        self._retired: list[Connection] = []
        self._closed = False

    async def get(self, key: str) -> Connection:
        """The session of a key, connected now where it is not, or not any more.

        All who ask meanwhile wait for the same attempt. After failures in a row an attempt waits
        for a while before it begins.

        Raises:
            ResourceError: The server's command cannot be started.
            ToolError: The server is not to be had, or there are too many sessions.
        """
        if self._closed:
            raise ToolError("the MCP server was closed")
        slot = self._slots.pop(key, None)
        given_up = None if slot is not None else self._make_room()
        slot = self._slots[key] = slot or _Slot()
        slot.waiting += 1
        try:
            if given_up is not None:
                await given_up.close()
            if slot.connection is not None and slot.connection.alive:
                return slot.connection
            if slot.connecting is None:
                slot.connecting = asyncio.get_running_loop().create_task(self._connect(slot))
                slot.connecting.add_done_callback(_seen)
            # One who gives up does not end the attempt: the others wait for it too.
            return await asyncio.shield(slot.connecting)
        finally:
            slot.waiting -= 1

    def worked(self, key: str) -> None:
        """Told that a server answered: earlier failures do not count any more."""
        if key in self._slots:
            self._slots[key].failures = 0

    async def close(self) -> None:
        """Ends all sessions."""
        self._closed = True
        slots = list(self._slots.values())
        self._slots.clear()
        tasks = [slot.connecting for slot in slots if slot.connecting is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        open_ = [slot.connection for slot in slots if slot.connection is not None]
        await asyncio.gather(*(one.close() for one in (*open_, *self._retired)))

    def _make_room(self) -> Connection | None:
        """Drops the session that nobody has used for longest, where there is one too many."""
        if len(self._slots) < self._limit:
            return None
        oldest = next((name for name, slot in self._slots.items() if slot.idle), None)
        if oldest is None:
            raise ToolError(f"all {self._limit} sessions with the MCP server are in use")
        return self._slots.pop(oldest).connection

    async def _connect(self, slot: _Slot) -> Connection:
        try:
            if slot.connection is not None:
                before, slot.connection = slot.connection, None
                if before.retired is None:
                    await before.close()
                else:  # it closes itself, when its last call has its answer
                    self._retired = [one for one in (*self._retired, before) if not one.over]
            await asyncio.sleep(backoff(slot.failures))
            # Until a call has worked it counts as failed: a server may die of each call.
            slot.failures += 1
            connection = self._make()
            await connection.open()
            slot.connection = connection
            self._opened(connection, slot.failures)
            return connection
        finally:
            slot.connecting = None


def _seen(task: asyncio.Task[Connection]) -> None:
    """Looks at a failure that nobody waited for, so that it is not reported as forgotten."""
    if not task.cancelled():
        task.exception()
