"""Starting a coroutine at once, and putting an end to one that takes too long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Deadline", "Deadlines", "start"]

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


class Deadlines:
    """The time-outs of a loop's tasks.

    Nearly none of them ever comes, and there may be thousands: those of one duration stand in the
    order in which they come, so each duration needs one timer, and adding or dropping one is cheap
    (a timer of the loop's own for each would cost more than the rest of a short run).
    """

    __slots__ = ("_due", "_loop", "_resumed", "_timers")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: dict[float, dict[Deadline, float]] = {}
        self._timers: dict[float, asyncio.TimerHandle] = {}
        self._resumed: dict[Deadline, asyncio.TimerHandle] = {}

    def within(self, seconds: float | None, *, late: bool = False) -> Deadline:
        """A ``with`` block that raises ``TimeoutError`` when it takes longer; ``None``: never.

        Where it is ``late``, its time begins when ``arm`` is called.
        """
        deadline = Deadline(self, seconds)
        if not late:
            deadline.arm()
        return deadline

    def add(self, deadline: Deadline, seconds: float, left: float | None = None) -> None:
        """Starts a time-out's time, or what is left of it: then it has a timer of its own."""
        if left is not None:
            timer = self._loop.call_later(left, self._expire_resumed, deadline)
            self._resumed[deadline] = timer
            return
        due = self._due.get(seconds)
        if due is None:
            due = self._due[seconds] = {}
        due[deadline] = self._loop.time() + seconds
        if seconds not in self._timers:
            self._timers[seconds] = self._loop.call_later(seconds, self._expire, seconds)

    def drop(self, deadline: Deadline, seconds: float) -> float | None:
        """Ends it, in time; gives the seconds that were left."""
        resumed = self._resumed.pop(deadline, None)
        if resumed is not None:
            resumed.cancel()
            return max(0.0, resumed.when() - self._loop.time())
        due = self._due.get(seconds)
        when = None if due is None else due.pop(deadline, None)
        return None if when is None else max(0.0, when - self._loop.time())

    def close(self) -> None:
        """Drops all timers."""
        for timer in (*self._timers.values(), *self._resumed.values()):
            timer.cancel()
        self._timers.clear()
        self._resumed.clear()

    def _expire_resumed(self, deadline: Deadline) -> None:
        del self._resumed[deadline]
        deadline.expire()

    def _expire(self, seconds: float) -> None:
        del self._timers[seconds]
        due, now = self._due[seconds], self._loop.time()
        for deadline, when in list(due.items()):
            if when > now + 0.001:
                self._timers[seconds] = self._loop.call_at(when, self._expire, seconds)
                return
            del due[deadline]
            deadline.expire()
        if not due:
            del self._due[seconds]  # durations may be as many as calls


class Deadline:
    """One time-out: cancels the task that runs its ``with`` block, and raises ``TimeoutError``.

    What ``asyncio.timeout`` does, which Python 3.10 lacks.
    """

    __slots__ = ("_deadlines", "_left", "_seconds", "_task", "expired")

    def __init__(self, deadlines: Deadlines, seconds: float | None) -> None:
        self._deadlines = deadlines
        self._seconds = seconds
        self._left: float | None = None
        self._task: asyncio.Task[Any] | None = None
        self.expired = False

    def arm(self, task: asyncio.Task[Any] | None = None) -> None:
        """Starts the time, for ``task`` or else for the current one."""
        if self._seconds is not None and self._task is None:
            self._task = task or asyncio.current_task()
            self._deadlines.add(self, self._seconds)

    def pause(self) -> None:
        """Stops the time."""
        if self._task is not None and self._seconds is not None:
            self._left = self._deadlines.drop(self, self._seconds)

    def resume(self) -> None:
        """Lets it go on where it was stopped."""
        if self._task is not None and self._seconds is not None and self._left is not None:
            self._deadlines.add(self, self._seconds, self._left)
            self._left = None

    def expire(self) -> None:
        """Told when the time is over."""
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
        if self._task is None or self._seconds is None:
            return
        self._deadlines.drop(self, self._seconds)
        if not self.expired:
            return
        uncancel = getattr(self._task, "uncancel", None)  # Python 3.11
        still_cancelled = uncancel() if uncancel is not None else 0
        if kind is asyncio.CancelledError and not still_cancelled:
            raise TimeoutError(f"took longer than {self._seconds:g} s") from error
