"""The outbox of a job on this machine: held back until a flush has the run, kept until done."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from headrace.operator import Effect, Outbox
from headrace.values import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from headrace.local._engine import JobResult
    from headrace.local._state import State
    from headrace.local._turning import TurnedLoop
    from headrace.operator import Operator

__all__ = ["LocalOutbox"]

_LOG = logging.getLogger("headrace.outbox")


class LocalOutbox:
    """Holds effects back until the state is flushed, and then has them done.

    Args:
        operator: The operator.
        state: Keeps them.
        turning: The loop.
        result: Takes the counts.
        take: Takes effects instead of having them done.
    """

    def __init__(
        self,
        operator: Operator,
        state: State,
        turning: TurnedLoop,
        result: JobResult,
        take: Callable[[Effect], None] | None = None,
    ) -> None:
        self._take = take
        self._state = state
        self._turning = turning
        self._result = result
        self._held: list[Effect] = []
        self._number = 0
        self._stopped = False
        self._outbox = Outbox(operator, self._ended, state.changed)

    @property
    def busy(self) -> bool:
        """Whether there is something to wait for."""
        if self._stopped:
            return self._outbox.under_way > 0
        return bool(self._held or self._outbox)

    @property
    def waiting(self) -> int:
        """Effects that are not over."""
        return len(self._held) + len(self._outbox)

    def recover(self) -> None:
        """Goes on with what an earlier process left."""
        for effect in self._state.effects():
            self._number = max(self._number, effect.number + 1)
            effect.again = True
            self._outbox.add(effect)

    def hold(self, effects: Iterable[Effect]) -> None:
        """Takes the effects of a run that commits."""
        for effect in effects:
            effect.number = self._number
            self._number += 1
            self._state.hold(effect)
            self._held.append(effect)

    def flushed(self) -> None:
        """Told when the state has what was committed: now it can not be undone."""
        held, self._held = self._held, []
        for effect in held:
            if self._take is None:
                self._outbox.add(effect)
            else:
                self._take(effect)
                self._state.drop(effect)
                self._turning.loop.call_soon(self._turning.wake)

    def stop(self) -> None:
        """Told that the job is to end soon: what the state keeps is for the next process."""
        if self._state.durable and not self._stopped:
            self._stopped = True
            self._outbox.stop()

    def finish(self, seconds: float) -> None:
        """Lets effects end that nobody else would do, or that are under way, for so long."""
        self.stop()
        deadline = time.monotonic() + seconds
        while self.busy and (left := deadline - time.monotonic()) > 0:
            self._turning.wait(left)

    async def close(self) -> None:
        """Ends what is under way."""
        await self._outbox.close()
        self._result.effects_left = left = len(self._outbox) + len(self._held)
        if left and not self._state.durable:
            _LOG.warning("%d effects were not done, and are lost: the job has no state file", left)

    def _ended(self, effect: Effect, end: str, letter: dict[str, Any] | None) -> None:
        self._state.drop(effect)
        if end == "finished":
            self._result.effects += 1
        if letter is not None:
            self._result.dead_letters += 1
            self._state.told([("dead_letter", encode(letter))])
        self._turning.wake()
