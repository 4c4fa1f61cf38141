"""The runs of a worker's shards: begun, parked, and committed in their shards' turns.

A run that has to wait ends while Flink is elsewhere; what came of it is taken in its shard's next
turn, when the shard's state is at hand.
"""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any, Literal

from headrace.flink._covered import Covered
from headrace.flink._left import Left, left_folder
from headrace.flink._outbox import WorkerOutbox
from headrace.flink._pages import shard_of
from headrace.flink._pyflink import Row, keyed_state_backend
from headrace.flink._state import ShardState, keep, pending_runs
from headrace.flink._tags import APPROVALS, DEAD_LETTERS, LEFT, MARKS
from headrace.lanes import Lanes
from headrace.operator import Effect, Journal, Operator, Run, RunInput
from headrace.values import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.approvals import Decision
    from headrace.flink._loop import WorkerLoop
    from headrace.flink._pyflink import RuntimeContext
    from headrace.flink._shards import Shard
    from headrace.flink._watching import Watching
    from headrace.plan import AgentPlan
    from headrace.values import Stored

__all__ = ["ShardRuns"]

_TURN_EVERY = 16  # elements between two turns of the loop while something waits
_WAITING_PER_SHARD = 256


class ShardRuns:
    """The runs and effects of a worker's shards.

    Args:
        plan: The agent.
        context: Flink's.
        loop: The worker's.
        watching: Is told of what they do.
        shards: The numbers of the worker's shards.
        render: Makes an output's element of its value.
        mains: What a driver script defines in ``__main__``, by reference.
        marks: The folder in which marks become visible, if any.
        checkpointed: Whether the job has checkpoints.
    """

    def __init__(
        self,
        plan: AgentPlan,
        context: RuntimeContext,
        loop: WorkerLoop,
        watching: Watching,
        shards: Sequence[int],
        *,
        render: Callable[[RunInput, Any], Any],
        mains: dict[str, Any] | None,
        marks: str | None,
        checkpointed: bool,
    ) -> None:
        self._config = plan.config
        self._context = context
        self._loop = loop
        self._render = render
        self._marks = marks
        self._state = ShardState(context, plan)
        self._shards: dict[int, Shard] = {}
        self._lanes: Lanes[tuple[RunInput, Journal | None]] = Lanes()
        self._elements = 0
        # Weakly: what runs must not keep us, so that it is noticed when Flink has dropped us.
        me = weakref.ref(self)
        self.operator = Operator(
            plan,
            loop.loop,
            on_done=functools.partial(_done, me),
            recorded=functools.partial(_recorded, me),
            asked=functools.partial(_asked, me),
            holding=functools.partial(_holding, me),
            log=watching.log,
            metrics=watching.metrics,
            samples=watching.samples,
            mains=mains,
        )
        self._covered: Covered[str | Effect] = Covered(marks)
        self.outbox = WorkerOutbox(
            self.operator,
            loop,
            self._state,
            self._covered,
            self._shard_of,
            waits=checkpointed,
            told=marks is not None,
            left=None if marks is None else self._left(marks, frozenset(shards)),
        )
        if self.operator.metrics is not None:
            self.operator.metrics.watch(
                queued=functools.partial(_sum, me, "queued"),
                effects_waiting=functools.partial(_sum, me, "effects_waiting"),
            )

    def open(self, shards: Sequence[int]) -> None:
        """Goes on with what an earlier job left, and asks what runs were lost; on the loop."""
        self.outbox.open()
        self._loop.help(self.busy)
        if self.operator.ledger is not None:
            self._loop.run(self.operator.ledger.open(shards))

    async def close(self) -> None:
        """Ends what is under way (its inputs are in the state), and closes the resources."""
        await self.outbox.close()
        await self.operator.close()

    @property
    def busy(self) -> bool:
        """Whether anything goes on that needs the loop between Flink's calls."""
        ledger = self.operator.ledger
        if self.operator.suspended or self.outbox.busy:
            return True
        return ledger is not None and ledger.busy

    @property
    def queued(self) -> int:
        """Inputs that wait behind another one of their key, or for a place in flight."""
        return sum(shard.waiting for shard in list(self._shards.values()))

    @property
    def effects_waiting(self) -> int:
        """Effects of runs that are committed, which are not over."""
        return sum(len(shard.effects) for shard in list(self._shards.values()))

    # ------------------------------------------------------------ a shard's turn
    def shard(self, number: int, outputs: list[Any]) -> Shard:
        """The shard at hand, recovered at its first turn in this worker."""
        shard = self._shards.get(number)
        if shard is None:
            shard = self._shards[number] = self._state.read(number)
            pending = pending_runs(shard)
            if self.operator.ledger is not None:
                self.operator.ledger.begin(number, shard.names, [item for item, _ in pending])
            self.outbox.restored(shard)
            for item, journal in pending:
                self.offer(shard, item, journal, outputs)
        return shard

    def write(self, shard: Shard, outputs: list[Any]) -> None:
        """Writes what changed, and learns what a complete checkpoint has."""
        self._state.write(shard)
        if self._marks is None:
            return
        if (mark := self._covered.mark()) is not None:
            outputs.append((MARKS, mark))
        if complete := self._covered.complete():
            self.outbox.sure(one for one in complete if isinstance(one, Effect))
            if self.operator.ledger is not None:
                self.operator.ledger.over(one for one in complete if isinstance(one, str))

    def decide(self, decision: Decision) -> None:
        """Brings a decision to the run that waits for it; one that comes too late is dropped."""
        run = self.operator.approvals.decide(decision)
        if run is not None:
            self.recorded(run)
            self._loop.turn()

    def offer(
        self, shard: Shard, item: RunInput, journal: Journal | None, outputs: list[Any]
    ) -> None:
        """Begins an input's run, or has it wait behind those of its key; in its shard's turn."""
        if self._lanes.enter(item.key_id, (item, journal)):
            self._begin(shard, item, journal, outputs)
        else:
            keep(shard, item, journal)
            shard.waiting += 1

    def _begin(
        self, shard: Shard, item: RunInput, journal: Journal | None, outputs: list[Any]
    ) -> None:
        """Runs a key's inputs until one has to wait; parks what there is no room for."""
        following: tuple[RunInput, Journal | None] | None = (item, journal)
        while following is not None:
            item, journal = following
            if not self._room:
                keep(shard, item, journal)
                shard.parked.append(following)
                shard.waiting += 1
                return
            run = self.operator.begin(item, shard.pages.cells(item.key_id), journal)
            if run.outcome is None:
                keep(shard, item, run.journal)
                return
            following = self._take(shard, run, outputs)

    def commit(self, shard: Shard, outputs: list[Any]) -> None:
        """Takes the outcomes of the shard's runs that have ended since its last turn."""
        while shard.asked:
            outputs.append((APPROVALS, shard.asked.popleft()))
        outputs += [(DEAD_LETTERS, letter) for letter in self.outbox.commit(shard)]
        while shard.done:
            run = shard.done.popleft()
            following = self._take(shard, run, outputs)
            if following is not None:
                self._begin(shard, *following, outputs)
        while shard.parked and self._room:
            shard.waiting -= 1
            self._begin(shard, *shard.parked.popleft(), outputs)

    @property
    def _room(self) -> bool:
        """Whether one more run may wait for something."""
        return self.operator.in_flight < self._config.max_in_flight

    def drain(self, number: int, outputs: list[Any]) -> None:
        """Ends all that is under way, in the last turn of a worker's first shard.

        The runs of a key wait for each other. If each shard ended its own in its own last turn,
        the time that they take would be the sum over the shards instead of the longest.
        """
        backend = keyed_state_backend(self._context)
        shards = {number: self._shards[number]} if backend is None else self._shards
        at_hand = None if backend is None else backend.get_current_key()
        try:
            self.outbox.stop()
            while any(one.pending for one in shards.values()) or self.outbox.ending:
                held = self.operator.approvals.held
                if held and len(held) == len(self.operator.suspended):
                    self.operator.approvals.expire()
                self._loop.wait()
                for other, shard in shards.items():
                    more = shard.parked and self._room
                    if not (shard.done or shard.asked or shard.settled or more):
                        continue
                    if backend is not None:
                        backend.set_current_key(at_hand if other == number else Row(other))
                    self.commit(shard, outputs)
                    self._state.write(shard)
            for other, shard in shards.items():
                if shard.effects:
                    if backend is not None:
                        backend.set_current_key(at_hand if other == number else Row(other))
                    self.commit(shard, outputs)
                    lines, letters = self.outbox.leave(shard)
                    outputs += [(LEFT, line) for line in lines]
                    outputs += [(DEAD_LETTERS, letter) for letter in letters]
        finally:
            if backend is not None:
                backend.set_current_key(at_hand)

    def _take(
        self, shard: Shard, run: Run, outputs: list[Any]
    ) -> tuple[RunInput, Journal | None] | None:
        outcome = run.outcome
        assert outcome is not None  # noqa: S101 - the operator settles every run
        if outcome.status == "handed_back":
            return None
        if outcome.status == "failed":
            error = outcome.error
            raise error if error is not None else RuntimeError("a run failed")
        item = run.item
        if outcome.changes:
            now = self.operator.clock()
            if shard.pages.commit(item.key_id, outcome.changes, now):
                self._state.count(shard)
        if shard.pending and shard.pending.pop(item.sequence, None) is not None:
            shard.changed = True
        outputs += [self._render(item, decode(output)) for output in outcome.outputs]
        if outcome.dead_letter is not None:
            outputs.append((DEAD_LETTERS, outcome.dead_letter.as_dict()))
        if outcome.effects:
            self.outbox.hold(shard, outcome.effects)
        if self.operator.ledger is not None and run.journal is not None and run.journal.version:
            self._covered.over(run.id)
        following = self._lanes.leave(item.key_id)
        if following is not None:
            shard.waiting -= 1
        return following

    def pace(self, shard: Shard, outputs: list[Any]) -> None:
        """Keeps the loop turning, and holds the stream back while too much waits.

        What is full is the shard, not the worker: while Python holds an element, no checkpoint
        passes, so as many inputs as are in a bundle should find their place in the state.
        """
        self._elements += 1
        operator = self.operator
        if operator.suspended and self._elements % _TURN_EVERY == 0:
            self._loop.turn()
        while shard.waiting >= _WAITING_PER_SHARD:
            self._loop.wait()
            self.commit(shard, outputs)

    def _shard_of(self, key_id: str) -> Shard:
        return self._shards[shard_of(key_id, self._config.shards)]

    def _left(self, marks: str, mine: frozenset[int]) -> Left:
        shards = self._config.shards
        return Left(left_folder(marks), lambda key_id: shard_of(key_id, shards) in mine)

    def done(self, run: Run) -> None:
        """Told on the loop of a run that had to wait."""
        self._shard_of(run.item.key_id).done.append(run)
        self._loop.wake()

    def asked(self, run: Run, request: Stored) -> None:
        """A request is shown with its shard's next turn, in which its journal is written too."""
        self._shard_of(run.item.key_id).asked.append(request)
        self._loop.wake()

    def held(self, run: Run, change: int) -> None:
        """One run more, or less, waits for somebody's decision."""
        self._shard_of(run.item.key_id).held += change

    def recorded(self, run: Run) -> None:
        """A journal is written with its shard's next turn: it lives with the engine's state."""
        shard = self._shard_of(run.item.key_id)
        kept = shard.pending.get(run.item.sequence)
        if kept is not None and run.journal is not None:
            kept[3] = run.journal.stored()
            shard.changed = True


def _done(runs: weakref.ref[ShardRuns], run: Run) -> None:
    owner = runs()
    if owner is not None:
        owner.done(run)


def _asked(runs: weakref.ref[ShardRuns], run: Run, request: Stored) -> None:
    owner = runs()
    if owner is not None:
        owner.asked(run, request)


def _holding(runs: weakref.ref[ShardRuns], run: Run, change: int) -> None:
    owner = runs()
    if owner is not None:
        owner.held(run, change)


def _sum(runs: weakref.ref[ShardRuns], name: Literal["queued", "effects_waiting"]) -> int:
    owner = runs()
    count: int = 0 if owner is None else getattr(owner, name)
    return count


async def _recorded(runs: weakref.ref[ShardRuns], run: Run) -> None:
    owner = runs()
    if owner is not None:
        owner.recorded(run)
