"""The event loop of a Flink worker: turned between elements, and by a helper when none come.

Flink calls the operator with one element or timer at a time, and the loop must turn in between, or
every step of an HTTP call would cost a timer's tick. While the operator is idle a helper thread
turns the loop; before the operator goes on it takes the loop back, so that only one thread at a
time is ever in it, and actions need no locks.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from typing_extensions import Self

__all__ = ["WorkerLoop"]

_IDLE_SECONDS = 0.001
_SLICE_SECONDS = 0.02


class WorkerLoop:
    """An event loop that is entered by ``with``: by the operator, else by the helper."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._entered = 0
        self._helped = False
        self._closed = False
        self._work = threading.Event()
        self._waiting = False
        self._helper: threading.Thread | None = None

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closed

    def __enter__(self) -> Self:
        """Takes the loop for the operator's thread."""
        if not self._lock.acquire(blocking=False):
            self.loop.call_soon_threadsafe(self.loop.stop)  # the helper's slice ends at once
            self._lock.acquire()
        self._entered += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def turn(self) -> None:
        """One turn; inside ``with``."""
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()

    def wait(self, seconds: float = 1.0) -> None:
        """Turns until ``wake``, at most so long; inside ``with``."""
        self._waiting = True
        handle = self.loop.call_later(seconds, self.loop.stop)
        try:
            self.loop.run_forever()
        finally:
            self._waiting = False
            handle.cancel()

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Turns until a coroutine is done; inside ``with``."""
        self.loop.run_until_complete(coroutine)

    def wake(self) -> None:
        """Ends a ``wait``; called on the loop."""
        if self._waiting:
            self.loop.stop()

    def help(self, needed: bool) -> None:  # noqa: FBT001 - a switch
        """Says whether anything waits on the loop: only then has the helper something to do."""
        if needed and self._helper is None:
            self._helper = threading.Thread(
                target=_help,
                args=(weakref.ref(self), self._work),
                name="headrace-loop",
                daemon=True,
            )
            self._helper.start()
        if needed != self._helped:
            self._helped = needed
            if needed:
                self._work.set()
            else:
                self._work.clear()

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Runs a last coroutine, and closes the loop."""
        self._closed = True
        self._work.set()
        with self:
            try:
                self.loop.run_until_complete(last)
                left = asyncio.all_tasks(self.loop)
                for task in left:
                    task.cancel()
                if left:
                    self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
                self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            finally:
                helper, self._helper = self._helper, None
        if helper is not None:
            helper.join()
        self.loop.close()

    def drop(self) -> None:
        """Lets the helper go, whoever's thread this is; nothing of the loop is run any more.

        A loop that is turned refers to all that waits on it, so that nothing of it would ever be
        collected but in the moments between two of the helper's slices.
        """
        self._closed = True
        self._work.set()
        with suppress(RuntimeError):  # it is closed
            self.loop.call_soon_threadsafe(self.loop.stop)

    def slice(self, seen: int) -> int:
        """The helper's part: turns the loop for a while, unless the operator came by meanwhile."""
        if seen == self._entered and not self._closed and self._lock.acquire(blocking=False):
            try:
                handle = self.loop.call_later(_SLICE_SECONDS, self.loop.stop)
                self.loop.run_forever()
                handle.cancel()
            finally:
                self._lock.release()
        return self._entered

    def __del__(self) -> None:
        """Flink does not close the functions of a job that was cancelled: the loop goes with us."""
        self._work.set()
        if not self.loop.is_closed() and not self.loop.is_running():
            self.loop.close()


def _help(owner: weakref.ref[WorkerLoop], work: threading.Event) -> None:
    """Turns a loop whose operator is idle; holds it only meanwhile."""
    pause = threading.Event()
    seen = -1
    while True:
        work.wait()
        pause.wait(_IDLE_SECONDS)
        loop = owner()
        if loop is None or loop.closed:
            return
        seen = loop.slice(seen)
        del loop
