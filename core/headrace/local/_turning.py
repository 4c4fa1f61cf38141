"""An event loop that is turned by hand, between the elements of a stream."""

from __future__ import annotations

import asyncio

__all__ = ["TurnedLoop"]


class TurnedLoop:
    """Owns an event loop and turns it when told: once, or until something is awake."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._waiting = False

    def turn(self) -> None:
        """One turn: what is ready runs, nothing is waited for."""
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()

    def wait(self, seconds: float | None = None) -> None:
        """Turns until ``wake`` is called, or for so many seconds."""
        self._waiting = True
        handle = None if seconds is None else self.loop.call_later(seconds, self.wake)
        try:
            self.loop.run_forever()
        finally:
            self._waiting = False
            if handle is not None:
                handle.cancel()

    def wake(self) -> None:
        """Ends a ``wait``; called on the loop."""
        if self._waiting:
            self.loop.stop()

    def wake_from_thread(self) -> None:
        """Ends a ``wait``, from any thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.wake)

    def run(self, coroutine: object) -> object:
        """Turns until a coroutine is done."""
        return self.loop.run_until_complete(coroutine)  # type: ignore[arg-type]

    def close(self) -> None:
        """Cancels what is left, and closes the loop."""
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        if left:
            self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()
