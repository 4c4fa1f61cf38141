"""The groups of models of this process: what shares limits and a breaker."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from headrace.models._limits import CircuitBreaker, Hours, Learned, Slots, Timetable
from headrace.models.policy import SHARED

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.models.policy import ModelPolicy

__all__ = ["Group", "group"]

_GLANCE = 0.05
"""Seconds after which, at least, the one whose turn is next looks whether it is sooner or later."""


class Turn(NamedTuple):
    """What a request had to wait for."""

    waited: float
    """Seconds."""
    estimated: int
    """The tokens that it was estimated to use."""
    taken: float
    """What it took of the limit on tokens: the estimate, put right by what was learned."""


class Group:
    """What the models of a group share, for as long as one of them is there."""

    def __init__(self, policy: ModelPolicy, clock: Callable[[], float] = time.monotonic) -> None:
        requests, tokens = policy.requests_per_minute, policy.tokens_per_minute
        self._clock = clock
        self._hours = Hours(clock)
        self._requests = Timetable(requests, self._hours.now) if requests else None
        self._tokens = Timetable(tokens, self._hours.now) if tokens else None
        self._learned = Learned()
        # Where those that want tokens wait for those before them: see _limits.
        self._door = Slots(1) if tokens else None
        self._slots = Slots(policy.concurrency) if policy.concurrency else None
        self.breaker = CircuitBreaker(policy.breaker, clock) if policy.breaker else None

    async def enter(self, tokens: int) -> Turn:
        """Waits for a request's turn.

        Args:
            tokens: What the request will use, estimated.
        """
        began, taken = self._clock(), 0.0
        waited = await self._slots.enter() if self._slots is not None else False
        try:
            if self._tokens is not None and self._door is not None:
                since = self._hours.now()
                waited = await self._door.enter() or waited
                try:
                    while (left := self._tokens.left()) > 0:
                        waited = True
                        await asyncio.sleep(min(left, max(left / 10, _GLANCE)))
                    taken = tokens * self._learned.ratio
                    self._tokens.take(taken, since)
                finally:
                    self._door.leave()
            turn = self._hours.now()
            if self._requests is not None:
                turn += self._requests.reserve()
            while (left := self._hours.left(turn)) > 0:
                waited = True
                await asyncio.sleep(left)
            self._hours.begin(turn)
        except BaseException:
            self.leave()
            raise
        return Turn(self._clock() - began if waited else 0.0, tokens, taken)

    def leave(self) -> None:
        """Gives the request's place back."""
        if self._slots is not None:
            self._slots.leave()

    def used(self, turn: Turn, tokens: int) -> None:
        """Told of the tokens that a request has used."""
        if self._tokens is not None:
            self._learned.add(turn.estimated, tokens)
            self._tokens.correct(tokens - turn.taken)

    def pause(self, seconds: float) -> None:
        """Holds all requests back: the provider asked to be left alone so long."""
        self._hours.stop(seconds)


_Limits = tuple[Any, ...]
_LOCK = threading.Lock()
_GROUPS: WeakValueDictionary[tuple[str, _Limits], Group] = WeakValueDictionary()


def group(name: str, policy: ModelPolicy) -> Group:
    """The group of a name, made where it is not there yet.

    Those that share it should say the same of its limits; the compiler sees to that within an
    agent. Agents that disagree share nothing: each keeps to what its own policy says, whichever
    of them came first.
    """
    limits = tuple(getattr(policy, name) for name in SHARED)
    with _LOCK:
        found = _GROUPS.get((name, limits))
        if found is None:
            found = _GROUPS[name, limits] = Group(policy)
        return found
