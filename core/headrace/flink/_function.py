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

import logging
import sys
import time
from typing import TYPE_CHECKING, Any

from headrace.approvals import decision_of
from headrace.flink._loop import WorkerLoop
from headrace.flink._pyflink import KeyedProcessFunction
from headrace.flink._runs import ShardRuns
from headrace.flink._shards import Reader
from headrace.flink._waking import END_OF_TIME, beat_at, own_shards, set_beacons, wake
from headrace.flink._watching import Watching
from headrace.garbage import look_seldom
from headrace.jobs.worker import closing, ready
from headrace.operator import RunInput, mark_logs
from headrace.plan import AgentPlan
from headrace.values import encode, key_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace.flink._pyflink import RuntimeContext, Shape
    from headrace.flink._shards import Shard

__all__ = ["AgentFunction"]

_LOG = logging.getLogger("headrace")
_SHOWN = 120
_TICK_MS = 10
_EFFECTS_TICK_MS = 100  # where effects wait for a checkpoint, or are being done
_MARK_TICK_MS = 20  # where effects have come since the last mark
_HELD_TICK_MS = 1000  # where all runs wait for somebody's decision, which comes as an element
_NO_TIME = -(2**63)  # how Flink says that a record has no timestamp


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
        self._look_as_before = look_seldom()
        _LOG.info(
            "the agent %s runs here (%s), plan %s",
            plan.name,
            " ".join(plan.description.split())[:_SHOWN] or "no description",
            plan.digest[:12],
        )
        self._adopt_mains()
        self._context = runtime_context
        self._asleep = own_shards(runtime_context, plan.config.shards)
        self._loop = WorkerLoop()
        self._watching = Watching(plan, runtime_context)
        self._flushed = False
        self._runs = ShardRuns(
            plan,
            runtime_context,
            self._loop,
            self._watching,
            self._asleep,
            render=_elements(self._render, timed=self._timed),
            mains=self._mains,
            marks=self._marks,
            checkpointed=self._checkpointed,
        )
        with self._loop:
            self._runs.open(self._asleep)

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Any]:
        """One input, or somebody's decision."""
        with self._loop:
            outputs: list[Any] = []
            shard = self._runs.shard(ctx.get_current_key(), outputs)
            parsed = self._reader.value(value)
            decision = decision_of(parsed)
            if decision is not None:
                self._runs.decide(decision)
            else:
                key = self._reader.key(value, parsed)
                self._input(shard, key, parsed, ctx.timestamp(), outputs)
            self._runs.pace(shard, outputs)
            self._runs.commit(shard, outputs)
            self._watching.give()
            self._save(shard, outputs, ctx)
        yield from outputs

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Any]:
        """A tick of a busy shard, a beacon, or the end of a bounded input."""
        with self._loop:
            number = ctx.get_current_key()
            outputs: list[Any] = []
            shard = self._runs.shard(number, outputs)
            if timestamp == shard.tick:
                shard.tick = 0
            if self._runs.operator.suspended:
                self._loop.turn()
            self._runs.commit(shard, outputs)
            if timestamp == END_OF_TIME:
                self._runs.drain(number, outputs)
            self._watching.give(at_once=timestamp == END_OF_TIME)
            if timestamp == END_OF_TIME and not self._flushed:
                self._flushed = True  # the first one has ended the runs of all
                self._watching.flush()
            self._save(shard, outputs, ctx)
        yield from outputs

    def close(self) -> None:
        """Ends what is under way (its inputs are in the state), and closes the resources."""
        if hasattr(self, "_runs"):
            with closing():
                self._loop.close(self._runs.close())
                self._watching.close()
            self._look_as_before()

    def __del__(self) -> None:
        """Flink does not close the functions of a job that was cancelled."""
        loop = self.__dict__.get("_loop")
        if loop is not None:
            loop.drop()

    # ------------------------------------------------------------ elements and turns
    def _adopt_mains(self) -> None:
        """Puts the driver script's classes where values that name ``__main__`` look for them."""
        main = sys.modules["__main__"]
        for reference, thing in (self._mains or {}).items():
            name = reference.partition(":")[2]
            if isinstance(thing, type) and "." not in name and not hasattr(main, name):
                setattr(main, name, thing)

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
        self._runs.offer(shard, item, None, outputs)

    def _save(self, shard: Shard, outputs: list[Any], ctx: Any) -> None:
        """Writes what changed, and sees to it that a busy shard has its next turn."""
        self._runs.write(shard, outputs)
        now = time.time()
        if (beat := beat_at(now)) != shard.beat:
            set_beacons(shard, beat, ctx.timer_service())
        if self._asleep:
            asleep, self._asleep = self._asleep, []
            wake(self._context, asleep, ctx.timer_service(), int(now * 1000))
        if (shard.pending or shard.effects) and not shard.tick:
            shard.tick = int(now * 1000) + self._pause(shard)
            ctx.timer_service().register_processing_time_timer(shard.tick)
        self._loop.help(self._runs.busy)

    def _pause(self, shard: Shard) -> int:
        """Milliseconds until a busy shard's next turn."""
        if shard.parked or len(shard.pending) - shard.waiting - shard.held > 0:
            return _TICK_MS
        if shard.effects:
            return _MARK_TICK_MS if self._runs.outbox.hurry else _EFFECTS_TICK_MS
        return _HELD_TICK_MS


def _elements(
    render: Callable[[Any], Any] | None, *, timed: bool
) -> Callable[[RunInput, Any], Any]:
    """What makes an output's element of its run's input and its value.

    No method: what the runs hold must not keep the function, see ``__del__``.
    """

    def element(item: RunInput, value: Any) -> Any:
        rendered = value if render is None else render(value)
        return (item.timestamp, rendered) if timed else rendered

    return element
