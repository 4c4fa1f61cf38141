"""Limits that the models of a worker share, whichever agent and event loop they belong to.

A limit is a timetable: who comes is told at once when its turn is, one interval after the turn
before it. Nobody has to wake anybody, turns are in the order of coming, and a late waker puts back
none but itself. Turns are spread evenly and unused ones are gone, so that no minute, wherever it
begins, holds more than the limit.

What a request takes of a limit on tokens is known only when it is answered. So there each waits
until those before it have begun, and takes its turn only when that has come: what was learned
meanwhile counts, however many wait.

Agents may run on event loops of their own, in several threads (two agents of one Flink worker), so
what is shared is guarded by a lock.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.models.policy import Breaker

__all__ = ["CircuitBreaker", "Hours", "Learned", "Slots", "Timetable"]


_GRACE = 1.0
"""Seconds that a turn may be late without being put off: loops are late, now and then.

So a minute may hold as much more than the limit as a second's turns are.
"""


class Hours:
    """A clock that stands still while a provider wants to be left alone, or nobody could begin.

    Turns are told by it, so a pause moves all of them alike: they stay in order, and those that
    the pause held up do not come all at once when it is over.

    Args:
        clock: Seconds, monotonic.
    """

    __slots__ = ("_begun", "_clock", "_lock", "_stopped", "_until")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._begun = self._until = clock()
        self._stopped = 0.0

    def now(self) -> float:
        """Seconds; those in which it stood still are not among them."""
        with self._lock:
            return max(self._clock(), self._until) - self._stopped

    def stop(self, seconds: float) -> None:
        """Stands still for so long from now, where it does not already stand still longer."""
        with self._lock:
            now = self._clock()
            until = max(self._until, now + seconds)
            self._stopped += until - max(self._until, now)
            self._until = until

    def left(self, moment: float) -> float:
        """Seconds until it runs and reads so much; 0 where it does."""
        with self._lock:
            now = self._clock()
            stands = max(0.0, self._until - now)
            return stands + max(0.0, moment - (max(now, self._until) - self._stopped))

    def begin(self, turn: float) -> None:
        """Told of a turn that is begun now.

        Where nobody began for a while though turns had come, as a busy loop let nobody, the time
        is taken to have stood still: else all those turns would be begun together.
        """
        with self._lock:
            self._begun = max(self._begun, turn)
            late = max(self._clock(), self._until) - self._stopped - self._begun
            self._stopped += max(0.0, late - _GRACE)


class Timetable:
    """Turns at a rate.

    Args:
        per_minute: How much may happen in a minute: requests, or tokens.
        clock: Seconds, monotonic.
    """

    __slots__ = ("_clock", "_free", "_lock", "_rate")

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_minute / 60
        self._clock = clock
        self._lock = threading.Lock()
        self._free = clock()

    def reserve(self, amount: float = 1) -> float:
        """Takes the next turn for so much; gives the seconds until it is."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._free)
            self._free = turn + amount / self._rate
            return turn - now

    def left(self) -> float:
        """Seconds until the next turn, as far as is known now."""
        with self._lock:
            return max(0.0, self._free - self._clock())

    def take(self, amount: float, since: float) -> None:
        """Takes the turn that has come, for so much.

        Args:
            amount: Requests, or tokens.
            since: Since when it was waited for; what was free before is gone.
        """
        with self._lock:
            turn = max(self._free, since, self._clock() - _GRACE)
            self._free = turn + amount / self._rate

    def correct(self, amount: float) -> None:
        """Puts later turns right, by what was used beyond (or below: negative) the taken."""
        with self._lock:
            self._free += amount / self._rate


class Learned:
    """How many tokens requests use of those that they are estimated to: mostly of the last ten."""

    __slots__ = ("_estimated", "_lock", "_used")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._estimated = self._used = 0.0

    def add(self, estimated: int, used: int) -> None:
        """Told of a request that was answered."""
        with self._lock:
            self._estimated = self._estimated * 0.9 + estimated
            self._used = self._used * 0.9 + used

    @property
    def ratio(self) -> float:
        """What is used of what is estimated; 1 until something is known."""
        with self._lock:
            return self._used / self._estimated if self._estimated else 1.0


class _Waiter:
    """One that waits for a place, on its own loop."""

    __slots__ = ("future", "given", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self.loop.create_future()
        self.given = False

    def wake(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


class Slots:
    """A number of places, for any event loop, taken in the order of coming."""

    __slots__ = ("_free", "_lock", "_waiting")

    def __init__(self, places: int) -> None:
        self._free = places
        self._lock = threading.Lock()
        self._waiting: deque[_Waiter] = deque()

    async def enter(self) -> bool:
        """Takes a place, which ``leave`` gives back; says whether it had to wait for it."""
        with self._lock:
            if self._free:  # then nobody waits
                self._free -= 1
                return False
            waiter = _Waiter()
            self._waiting.append(waiter)
        try:
            await waiter.future
        except BaseException:  # cancelled, or closed by its loop's end
            with self._lock:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)
            if waiter.given:  # in the same moment
                self.leave()
            raise
        return True

    def leave(self) -> None:
        """Gives a place back: to the one that waits longest."""
        with self._lock:
            while self._waiting:
                waiter = self._waiting.popleft()
                try:
                    waiter.loop.call_soon_threadsafe(waiter.wake)
                except RuntimeError:  # its loop is closed
                    continue
                waiter.given = True
                return
            self._free += 1


class CircuitBreaker:
    """Leaves a provider that fails alone for a while; see ``headrace.models.policy.Breaker``."""

    __slots__ = ("_clock", "_failures", "_lock", "_probe", "_settings", "_until")

    def __init__(self, settings: Breaker, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0
        self._probe: object = None

    def admit(self, request: object) -> float | None:
        """``None`` where a request may be made; else the seconds until one may."""
        with self._lock:
            if self._failures < self._settings.failures:
                return None
            left = self._until - self._clock()
            if left > 0:
                return left
            if self._probe is not None:
                return self._settings.seconds
            self._probe = request
            return None

    def succeeded(self) -> None:
        """Told of an answer, or of a failure that is not the provider's."""
        with self._lock:
            self._failures = 0
            self._probe = None

    def failed(self) -> bool:
        """Told of a failure that is the provider's; whether it is left alone from now on."""
        with self._lock:
            self._failures += 1
            self._probe = None
            if self._failures < self._settings.failures:
                return False
            self._until = self._clock() + self._settings.seconds
            return True

    def given_up(self, request: object) -> None:
        """Told that a request was cancelled: nothing is known of the provider."""
        with self._lock:
            if self._probe is request:  # else it began before, and another is let through now
                self._probe = None
