"""The agent as a Flink function: keyed by shard, memory in pages, runs stepped at once.

A shard's state is at hand only while Flink is at one of its elements or timers. So a run that had
to wait is committed, and the next input of its key begun, when its shard has its turn: at the next
element, or at the tick of a timer that every busy shard has.

A timer that Python registers becomes one of Flink's only after its bundle (FLINK-37084), so those
of a checkpoint's last bundle are not in the checkpoint. A chain of ticks would be lost with its
last link, and its shard would sleep after a restore. So every shard has beacons too: timers at the
next multiples of 2, 4, 8 ... seconds, each registered one period before it is due. Whatever a
checkpoint catches on its way, beacons further off are in it. And the first turn that a worker has,
for whichever of its shards, gives one to each of them (``_waking``). So a restored shard has a turn
within two seconds, or after a stall as long as the stall itself took.
"""

from __future__ import annotations

import functools
import logging
import sys
import time
import weakref
from typing import TYPE_CHECKING, Any

from headrace.approvals import decision_of
from headrace.eventlog import about_of, models_of, open_log
from headrace.flink._covered import Covered
from headrace.flink._left import Left, left_folder
from headrace.flink._loop import WorkerLoop
from headrace.flink._metrics import metrics_of
from headrace.flink._outbox import WorkerOutbox
from headrace.flink._pages import shard_of
from headrace.flink._pyflink import (
    KeyedProcessFunction,
    OutputTag,
    Row,
    Types,
    keyed_state_backend,
)
from headrace.flink._shards import Reader, Shard
from headrace.flink._state import ShardState, keep, pending_runs
from headrace.flink._waking import END_OF_TIME, beat_at, own_shards, set_beacons, wake
from headrace.jobs.worker import ready
from headrace.lanes import Lanes
from headrace.metrics import Metrics, open_export
from headrace.operator import Effect, Journal, Operator, Run, RunInput, mark_logs
from headrace.plan import AgentPlan
from headrace.samples import open_samples
from headrace.values import decode, encode, key_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace.approvals import Decision
    from headrace.flink._pyflink import RuntimeContext, Shape
    from headrace.values import Stored

__all__ = ["APPROVALS", "DEAD_LETTERS", "LEFT", "MARKS", "AgentFunction"]

_LOG = logging.getLogger("headrace")
_SHOWN = 120
_TICK_MS = 10
_EFFECTS_TICK_MS = 100  # where effects wait for a checkpoint, or are being done
_MARK_TICK_MS = 20  # where effects have come since the last mark
_HELD_TICK_MS = 1000  # where all runs wait for somebody's decision, which comes as an element
_TURN_EVERY = 16  # elements between two turns of the loop while something waits
_NO_TIME = -(2**63)  # how Flink says that a record has no timestamp
_WAITING_PER_SHARD = 256

DEAD_LETTERS = OutputTag("headrace-dead-letters", Types.PICKLED_BYTE_ARRAY())
"""The side output of dead letters: mappings, see ``headrace.operator.DeadLetter``."""
APPROVALS = OutputTag("headrace-approvals", Types.PICKLED_BYTE_ARRAY())
"""The side output of requests for somebody's decision: mappings, see ``headrace.approvals``."""
MARKS = OutputTag("headrace-marks", Types.STRING())
"""The side output of marks, by which workers learn of complete checkpoints (``_covered``)."""
LEFT = OutputTag("headrace-outbox", Types.STRING())
"""The side output of effects that a job with bounded inputs leaves (``_left``)."""


class AgentFunction(KeyedProcessFunction):
    """Runs an agent over the elements of a stream that is keyed by shard.

    Args:
        plan: The plan, as JSON.
        key: Gives the agent's key of an input; ``None``: elements are pairs of it and the input.
        parse: Makes the input of an element; ``None``: the element is the input.
        render: Makes an output's element of its value; ``None``: the value itself.
        mains: What a driver script defines in ``__main__``, by reference.
        timed: Whether outputs are pairs of their input's timestamp and themselves.
        shape: The names of the fields of rows that carry none.
        marks: The folder in which the marks that it puts out become visible, if any.
        checkpointed: Whether the job has checkpoints.
    """

    def __init__(
        self,
        plan: str,
        key: Callable[[Any], Any] | None,
        parse: Callable[[Any], Any] | None = None,
        render: Callable[[Any], Any] | None = None,
        mains: dict[str, Any] | None = None,
        *,
        timed: bool = False,
        shape: Shape = None,
        marks: str | None = None,
        checkpointed: bool = False,
    ) -> None:
        self._marks = marks
        self._checkpointed = checkpointed
        self._timed = timed
        self._plan_json = plan
        self._reader = Reader(key, parse, shape)
        self._render = render
        self._mains = mains

    # ------------------------------------------------------------ Flink's calls
    def open(self, runtime_context: RuntimeContext) -> None:
        """Gets ready; refuses a worker whose plugins are not the plan's."""
        plan = ready(AgentPlan.model_validate_json(self._plan_json))
        mark_logs()
        _LOG.info(
            "the agent %s runs here (%s), plan %s",
            plan.name,
            " ".join(plan.description.split())[:_SHOWN] or "no description",
            plan.digest[:12],
        )
        self._adopt_mains()
        self._state = ShardState(runtime_context, plan)
        self._config = plan.config
        self._context = runtime_context
        self._asleep = own_shards(runtime_context, plan.config.shards)
        self._shards: dict[int, Shard] = {}
        self._lanes: Lanes[tuple[RunInput, Journal | None]] = Lanes()
        self._elements = 0
        self._loop = WorkerLoop()
        # Weakly: what runs must not keep us, so that we notice when Flink has dropped us.
        me = weakref.ref(self)
        task = runtime_context.get_task_name().partition(" -> ")[0]  # of a chain, we are first
        subtask = runtime_context.get_index_of_this_subtask()
        attempt = runtime_context.get_attempt_number()
        self._log = open_log(plan, task=task, subtask=subtask, attempt=attempt)
        self._metrics = metrics_of(plan, runtime_context)
        registry = None if self._metrics is None else self._metrics.registry
        if plan.config.metrics.export is not None and registry is None:
            registry = Metrics(series=plan.config.metrics.series)
        self._export = None
        if registry is not None:
            about = about_of(plan, task, subtask, attempt)
            self._export = open_export(plan, registry, about, models_of(plan))
        self._samples = open_samples(plan)
        self._operator = Operator(
            plan,
            self._loop.loop,
            on_done=functools.partial(_done, me),
            recorded=functools.partial(_recorded, me),
            asked=functools.partial(_asked, me),
            holding=functools.partial(_holding, me),
            log=self._log,
            metrics=registry,
            samples=self._samples,
            mains=self._mains,
        )
        self._covered: Covered[str | Effect] = Covered(self._marks)
        mine = frozenset(self._asleep)
        self._outbox = WorkerOutbox(
            self._operator,
            self._loop,
            self._state,
            self._covered,
            lambda key: self._shards[shard_of(key, plan.config.shards)],
            waits=self._checkpointed,
            told=self._marks is not None,
            left=None
            if self._marks is None
            else Left(
                left_folder(self._marks), lambda key: shard_of(key, plan.config.shards) in mine
            ),
        )
        with self._loop:
            self._outbox.open()
            self._loop.help(self._busy)
        if self._operator.ledger is not None:
            with self._loop:
                self._loop.run(self._operator.ledger.open(self._asleep))
        if self._operator.metrics is not None:
            self._operator.metrics.watch(queued=functools.partial(_queued, me))

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Any]:
        """One input."""
        with self._loop:
            number = ctx.get_current_key()
            outputs: list[Any] = []
            shard = self._shard(number, outputs)
            parsed = self._reader.value(value)
            decision = decision_of(parsed)
            if decision is not None:
                self._decide(decision)
            else:
                key = self._reader.key(value, parsed)
                self._input(shard, key, parsed, ctx.timestamp(), outputs)
            self._pace(shard, outputs)
            self._commit(shard, outputs)
            if self._metrics is not None:
                self._metrics.give()
            self._save(shard, outputs, ctx)
            self._loop.help(self._busy)
        yield from outputs

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Any]:
        """A tick of a busy shard, a beacon, or the end of a bounded input."""
        with self._loop:
            number = ctx.get_current_key()
            outputs: list[Any] = []
            shard = self._shard(number, outputs)
            if timestamp == shard.tick:
                shard.tick = 0
            if self._operator.suspended:
                self._loop.turn()
            self._commit(shard, outputs)
            if timestamp == END_OF_TIME:
                self._drain(number, outputs)
            if self._metrics is not None:
                self._metrics.give(at_once=timestamp == END_OF_TIME)
            self._save(shard, outputs, ctx)
            self._loop.help(self._busy)
        yield from outputs

    def close(self) -> None:
        """Ends what is under way (its inputs are in the state), and closes the resources."""
        if hasattr(self, "_operator"):
            self._loop.close(self._close())
            if self._log is not None:
                self._log.close()
            if self._export is not None:
                self._export.close()
            if self._samples is not None:
                self._samples.close()

    def __del__(self) -> None:
        """Flink does not close the functions of a job that was cancelled."""
        loop = self.__dict__.get("_loop")
        if loop is not None:
            loop.drop()

    @property
    def _busy(self) -> bool:
        """Whether anything goes on that needs the loop between Flink's calls."""
        ledger = self._operator.ledger
        if self._operator.suspended or self._outbox.busy:
            return True
        return ledger is not None and ledger.busy

    async def _close(self) -> None:
        await self._outbox.close()
        await self._operator.close()

    def _adopt_mains(self) -> None:
        """Puts the driver script's classes where values that name ``__main__`` look for them."""
        main = sys.modules["__main__"]
        for reference, thing in (self._mains or {}).items():
            name = reference.partition(":")[2]
            if isinstance(thing, type) and "." not in name and not hasattr(main, name):
                setattr(main, name, thing)

    # ------------------------------------------------------------ runs
    def _input(
        self,
        shard: Shard,
        key: Any,
        value: Any,
        timestamp: int | None,
        outputs: list[Any],
    ) -> None:
        sequence = shard.next
        shard.next = sequence + 1
        stamp = None if timestamp == _NO_TIME else timestamp
        item = RunInput(key, key_id(key), encode(value), sequence, stamp, shard.names)
        self._offer(shard, item, None, outputs)

    def _decide(self, decision: Decision) -> None:
        """Brings a decision to the run that waits for it; one that comes too late is dropped."""
        run = self._operator.approvals.decide(decision)
        if run is not None:
            self.recorded(run)
            self._loop.turn()

    def _offer(
        self, shard: Shard, item: RunInput, journal: Journal | None, outputs: list[Any]
    ) -> None:
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
            run = self._operator.begin(item, shard.pages.cells(item.key_id), journal)
            if run.outcome is None:
                keep(shard, item, run.journal)
                return
            following = self._take(shard, run, outputs)

    def _commit(self, shard: Shard, outputs: list[Any]) -> None:
        """Takes the outcomes of the shard's runs that have ended since its last turn."""
        while shard.asked:
            outputs.append((APPROVALS, shard.asked.popleft()))
        outputs += [(DEAD_LETTERS, letter) for letter in self._outbox.commit(shard)]
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
        return self._operator.in_flight < self._config.max_in_flight

    def _drain(self, number: int, outputs: list[Any]) -> None:
        """Ends all that is under way, in the last turn of a worker's first shard.

        The runs of a key wait for each other. If each shard ended its own in its own last turn,
        the time that they take would be the sum over the shards instead of the longest.
        """
        backend = keyed_state_backend(self._context)
        shards = {number: self._shards[number]} if backend is None else self._shards
        at_hand = None if backend is None else backend.get_current_key()
        try:
            self._outbox.stop()
            while any(one.pending for one in shards.values()) or self._outbox.ending:
                held = self._operator.approvals.held
                if held and len(held) == len(self._operator.suspended):
                    self._operator.approvals.expire()
                self._loop.wait()
                for other, shard in shards.items():
                    more = shard.parked and self._room
                    if not (shard.done or shard.asked or shard.settled or more):
                        continue
                    if backend is not None:
                        backend.set_current_key(at_hand if other == number else Row(other))
                    self._commit(shard, outputs)
                    self._state.write(shard)
            for other, shard in shards.items():
                if shard.effects:
                    if backend is not None:
                        backend.set_current_key(at_hand if other == number else Row(other))
                    self._commit(shard, outputs)
                    lines, letters = self._outbox.leave(shard)
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
            now = self._operator.clock()
            if shard.pages.commit(item.key_id, outcome.changes, now):
                self._state.count(shard)
        if shard.pending and shard.pending.pop(item.sequence, None) is not None:
            shard.changed = True
        for output in outcome.outputs:
            value = decode(output)
            rendered = value if self._render is None else self._render(value)
            outputs.append((item.timestamp, rendered) if self._timed else rendered)
        if outcome.dead_letter is not None:
            outputs.append((DEAD_LETTERS, outcome.dead_letter.as_dict()))
        if outcome.effects:
            self._outbox.hold(shard, outcome.effects)
        if self._operator.ledger is not None and run.journal is not None and run.journal.version:
            self._covered.over(run.id)
        following = self._lanes.leave(item.key_id)
        if following is not None:
            shard.waiting -= 1
        return following

    def _pace(self, shard: Shard, outputs: list[Any]) -> None:
        """Keeps the loop turning, and holds the stream back while too much waits.

        What is full is the shard, not the worker: while Python holds an element, no checkpoint
        passes, so as many inputs as are in a bundle should find their place in the state.
        """
        self._elements += 1
        operator = self._operator
        if operator.suspended and self._elements % _TURN_EVERY == 0:
            self._loop.turn()
        while shard.waiting >= _WAITING_PER_SHARD:
            self._loop.wait()
            self._commit(shard, outputs)

    @property
    def queued(self) -> int:
        """Inputs that wait behind another one of their key, or for a place in flight."""
        return sum(shard.waiting for shard in list(self._shards.values()))

    def shard_of(self, run: Run) -> Shard:
        """What is held of a run's shard."""
        return self._shards[shard_of(run.item.key_id, self._config.shards)]

    def done(self, run: Run) -> None:
        """Told on the loop of a run that had to wait."""
        self.shard_of(run).done.append(run)
        self._loop.wake()

    def asked(self, run: Run, request: Stored) -> None:
        """A request is shown with its shard's next turn, in which its journal is written too."""
        self.shard_of(run).asked.append(request)
        self._loop.wake()

    def recorded(self, run: Run) -> None:
        """A journal is written with its shard's next turn: it lives with the engine's state."""
        shard = self.shard_of(run)
        kept = shard.pending.get(run.item.sequence)
        if kept is not None and run.journal is not None:
            kept[3] = run.journal.stored()
            shard.changed = True

    # ------------------------------------------------------------ state
    def _shard(self, number: int, outputs: list[Any]) -> Shard:
        """The shard at hand, recovered at its first turn in this worker."""
        shard = self._shards.get(number)
        if shard is None:
            shard = self._shards[number] = self._state.read(number)
            pending = pending_runs(shard)
            if self._operator.ledger is not None:
                self._operator.ledger.begin(number, shard.names, [item for item, _ in pending])
            self._outbox.restored(shard)
            for item, journal in pending:
                self._offer(shard, item, journal, outputs)
        return shard

    def _save(self, shard: Shard, outputs: list[Any], ctx: Any) -> None:
        """Writes what changed, and sees to it that a busy shard has its next turn."""
        self._state.write(shard)
        self._learn(outputs)
        now = time.time()
        if (beat := beat_at(now)) != shard.beat:
            set_beacons(shard, beat, ctx.timer_service())
        if self._asleep:
            asleep, self._asleep = self._asleep, []
            wake(self._context, asleep, ctx.timer_service(), int(now * 1000))
        if (shard.pending or shard.effects) and not shard.tick:
            shard.tick = int(now * 1000) + self._pause(shard)
            ctx.timer_service().register_processing_time_timer(shard.tick)

    def _pause(self, shard: Shard) -> int:
        """Milliseconds until a busy shard's next turn."""
        if shard.parked or len(shard.pending) - shard.waiting - shard.held > 0:
            return _TICK_MS
        if shard.effects:
            return _MARK_TICK_MS if self._outbox.hurry else _EFFECTS_TICK_MS
        return _HELD_TICK_MS

    def _learn(self, outputs: list[Any]) -> None:
        """What a complete checkpoint covers is forgotten by the action store, or done now."""
        if self._marks is None:
            return
        if (mark := self._covered.mark()) is not None:
            outputs.append((MARKS, mark))
        if complete := self._covered.complete():
            self._outbox.sure(one for one in complete if isinstance(one, Effect))
            if self._operator.ledger is not None:
                self._operator.ledger.over(one for one in complete if isinstance(one, str))


def _done(function: weakref.ref[AgentFunction], run: Run) -> None:
    owner = function()
    if owner is not None:
        owner.done(run)


def _asked(function: weakref.ref[AgentFunction], run: Run, request: Stored) -> None:
    owner = function()
    if owner is not None:
        owner.asked(run, request)


def _holding(function: weakref.ref[AgentFunction], run: Run, change: int) -> None:
    owner = function()
    if owner is not None:
        owner.shard_of(run).held += change


def _queued(function: weakref.ref[AgentFunction]) -> int:
    owner = function()
    return 0 if owner is None else owner.queued


async def _recorded(function: weakref.ref[AgentFunction], run: Run) -> None:
    owner = function()
    if owner is not None:
        owner.recorded(run)
