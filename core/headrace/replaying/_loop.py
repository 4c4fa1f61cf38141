"""An event loop in which waiting takes no time, as long as nothing outside is waited for."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["QuickLoop"]


class QuickLoop(asyncio.SelectorEventLoop):
    """Turns its clock on to the next timer when nothing else can happen.

    A recorded run may have waited for minutes, for its next attempt or till its time was over. In a
    replay nothing happens meanwhile, so these minutes are skipped. While a call is really made, a
    thread works, or a connection is open, its time is the world's.

    Attributes:
        busy: How much of the outside is waited for; counted by who waits.
    """

    def __init__(self) -> None:
        self.busy = 0
        self._ahead = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Seconds, those that were skipped included."""
        return super().time() + self._ahead

    def skip(self, seconds: float) -> None:
        """Turns the clock on."""
        self._ahead += seconds

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Calls it in a thread, which is waited for in the world's time."""
        future = super().run_in_executor(executor, func, *args)
        self.busy += 1
        future.add_done_callback(self._one_less)
        return future

    def _one_less(self, _future: object) -> None:
        self.busy -= 1

    def turn_until(self, task: asyncio.Future[Any]) -> bool:
        """Turns until a task is done; ``False``: it waits for what can never come."""
        if not task.done():
            task.add_done_callback(self._done)
            self.run_forever()
            task.remove_done_callback(self._done)
        return task.done()

    def _done(self, _task: object) -> None:
        self.stop()


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: QuickLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        """What is ready. The loop's own pipe, by which threads wake it, is always registered."""
        waits = timeout is None or timeout > 0
        if not waits or self._loop.busy or len(self.get_map()) > 1:
            return super().select(timeout)
        found = super().select(0)
        if not found:
            if timeout is None:
                self._loop.stop()
            else:
                self._loop.skip(timeout)
        return found
