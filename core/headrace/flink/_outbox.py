"""The outbox of a worker: effects wait for a checkpoint that has them, and are then done.

They are part of their shard's state from the turn on in which their run commits. What becomes of
them while Flink is elsewhere is written in the shard's next turn.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

from headrace.errors import NonRetryableError
from headrace.operator import Outbox, letter_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from headrace.flink._covered import Covered
    from headrace.flink._left import Left
    from headrace.flink._loop import WorkerLoop
    from headrace.flink._shards import Shard
    from headrace.flink._state import ShardState
    from headrace.operator import Effect, Operator

__all__ = ["WorkerOutbox"]

_LOG = logging.getLogger("headrace.outbox")


class WorkerOutbox:
    """The effects of a worker's shards.

    Args:
        operator: The operator.
        loop: The worker's.
        state: Keeps the effects of the shard at hand.
        covered: Tells of complete checkpoints.
        shard: Gives the shard of a key.
        waits: Whether effects wait for checkpoints: the job has some.
        told: Whether the worker is told of them.
        left: What an earlier job with bounded inputs has left.
    """

    def __init__(
        self,
        operator: Operator,
        loop: WorkerLoop,
        state: ShardState,
        covered: Covered[str | Effect],
        shard: Callable[[str], Shard],
        *,
        waits: bool,
        told: bool,
        left: Left | None,
    ) -> None:
        self._operator = operator
        self._loop = loop
        self._state = state
        self._covered = covered
        self._shard = shard
        self._waits = waits
        self._told = told
        self._said = False
        self._left = left
        self._letters: list[dict[str, Any]] = []
        self._outbox = Outbox(operator, self._ended, self._tried)

    @property
    def busy(self) -> bool:
        """Whether effects need the loop between Flink's calls."""
        return bool(self._outbox)

    @property
    def hurry(self) -> bool:
        """Whether a mark is to be put out soon."""
        return self._covered.to_mark

    def open(self) -> None:
        """Goes on with what an earlier job has left."""
        if self._left is not None:
            for effect in self._left.read():
                self._outbox.add(effect)

    def restored(self, shard: Shard) -> None:
        """Goes on with what a restored shard has: a complete checkpoint had it."""
        for effect in shard.effects.values():
            self._outbox.add(effect)

    def hold(self, shard: Shard, effects: Iterable[Effect]) -> None:
        """Takes the effects of a run that commits; in the shard's turn."""
        for effect in effects:
            effect.number = next(reversed(shard.effects), -1) + 1
            shard.effects[effect.number] = effect
            self._state.hold(effect)
            if not self._waits:
                self._outbox.add(effect)
            elif self._told:
                self._covered.over(effect, urgent=True)
            elif not self._said:
                self._said = True
                _LOG.warning(
                    "effects (ctx.after_commit) are done after the job's next restore only: "
                    "workers cannot see its checkpoints. Set execution.checkpointing.dir to a "
                    "folder that all workers have (file:///...) where the job is built"
                )

    def sure(self, effects: Iterable[Effect]) -> None:
        """Takes effects that a complete checkpoint has."""
        for effect in effects:
            self._outbox.add(effect)

    def commit(self, shard: Shard) -> list[dict[str, Any]]:
        """Writes what has become of a shard's effects; gives dead letters. In the shard's turn."""
        letters, self._letters = self._letters, []
        while shard.settled:
            effect, over, letter = shard.settled.popleft()
            if over:
                del shard.effects[effect.number]
                self._state.drop(effect)
            else:
                self._state.hold(effect)
            if letter is not None:
                letters.append(letter)
        return letters

    def stop(self) -> None:
        """The inputs are over. Where effects wait for checkpoints, no further try is begun."""
        if self._waits:
            self._outbox.stop()

    @property
    def ending(self) -> bool:
        """Whether there is something to wait for before the job ends."""
        return self._outbox.under_way > 0 if self._waits else bool(self._outbox)

    def leave(self, shard: Shard) -> tuple[list[str], list[dict[str, Any]]]:
        """Takes a shard's effects out of the state of a job that ends; in the shard's turn.

        Returns:
            The effects as lines, for who does them when the last checkpoint is complete; and dead
            letters, where nobody would find them.
        """
        lines, letters = [], []
        for effect in list(shard.effects.values()):
            del shard.effects[effect.number]
            self._state.drop(effect)
            if self._told:
                lines.append(json.dumps(effect.stored()))
                continue
            why = NonRetryableError(
                "the job has ended, and workers could not see its checkpoints, so that it was "
                "not done: set execution.checkpointing.dir to a folder that all workers have"
            )
            effect.failed(f"{type(why).__name__}: {why}", time.time())
            letters.append(letter_of(effect, time.time(), why))
        return lines, letters

    async def close(self) -> None:
        """Ends what is under way."""
        await self._outbox.close()

    def _ended(self, effect: Effect, _end: str, letter: dict[str, Any] | None) -> None:
        if effect.number < 0:  # an earlier job's
            assert self._left is not None  # noqa: S101 - it is from there
            self._left.done(effect)
            if letter is not None:
                self._letters.append(letter)
        else:
            self._shard(effect.key_id).settled.append((effect, True, letter))
        self._loop.wake()

    def _tried(self, effect: Effect) -> None:
        if effect.number >= 0:
            self._shard(effect.key_id).settled.append((effect, False, None))
