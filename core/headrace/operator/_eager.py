"""Starting a coroutine at once, and putting an end to one that takes too long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Deadline", "start"]

T = TypeVar("T")


def start(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Makes a task and runs its first step here and now, not at the loop's next turn.

    A coroutine that never waits is done when this returns, without a turn of the loop. It is a
    whole task all the same (``asyncio.current_task()``, time-outs and cancelling work in it): a
    task asks its loop, by ``call_soon``, to run its first step, and here that request is met at
    once. Python 3.12 can do so itself, but only while its loop runs; this also serves a loop that
    is turned between the elements of a stream, and Python 3.10.

    It must be called from outside any task of ``loop``.
    """
    first: list[tuple[Callable[..., Any], tuple[Any, ...], Context | None]] = []

    def capture(callback: Callable[..., Any], *args: Any, context: Context | None = None) -> None:
        first.append((callback, args, context))

    running = asyncio._get_running_loop()  # noqa: SLF001 - public in all but name: see its docstring
    loop.call_soon = capture  # type: ignore[method-assign, assignment]
    try:
        task = asyncio.Task(coroutine, loop=loop)
    finally:
        del loop.call_soon
    [(step, args, context)] = first
    asyncio._set_running_loop(loop)  # noqa: SLF001
    try:
        if context is None:
            step(*args)
        else:
            context.run(step, *args)
    finally:
        asyncio._set_running_loop(running)  # noqa: SLF001
    return task


class Deadline:
    """Ends what runs in its ``with`` block by cancelling the task: it raises ``TimeoutError``.

    What ``asyncio.timeout`` does, which Python 3.10 lacks; and it can be set late: a block that
    never waits then pays for no timer.
    """

    __slots__ = ("_handle", "_loop", "_seconds", "_task", "expired")

    def __init__(self, seconds: float | None, *, late: bool = False) -> None:
        self._seconds = seconds
        self._handle: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.expired = False
        if not late:
            self.arm()

    def arm(self, task: asyncio.Task[Any] | None = None) -> None:
        """Sets the timer, for ``task`` or else for the current one."""
        if self._seconds is None or self._handle is not None:
            return
        self._task = task or asyncio.current_task()
        if self._task is not None:
            self._loop = self._task.get_loop()
            self._handle = self._loop.call_later(self._seconds, self._expire)

    def _expire(self) -> None:
        self.expired = True
        if self._task is not None:
            self._task.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._handle is not None:
            self._handle.cancel()
        if not self.expired or self._task is None:
            return
        uncancel = getattr(self._task, "uncancel", None)  # Python 3.11
        still_cancelled = uncancel() if uncancel is not None else 0
        if kind is asyncio.CancelledError and not still_cancelled:
            raise TimeoutError(f"took longer than {self._seconds:g} s") from error
