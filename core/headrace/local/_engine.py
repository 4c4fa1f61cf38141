"""The embedded engine: one process, no server. It drives the operator over a source of inputs.

The driver is plain synchronous code that owns the event loop. It starts each run at once, in its
own frame; what has to wait goes on when the loop is turned, which happens every few inputs, when
too much is in flight, and when there is nothing else to do.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.approvals import decision_of
from headrace.errors import JobFailedError, MemoryValueError
from headrace.eventlog import about_of, models_of, open_log
from headrace.fields import MissingFieldError
from headrace.garbage import look_seldom
from headrace.lanes import Lanes
from headrace.local._outbox import LocalOutbox
from headrace.local._sinks import ListSink, Sink
from headrace.local._sources import END, NOTHING, InputError, Source
from headrace.local._sqlite import SqliteState
from headrace.local._state import MemoryState, State
from headrace.local._turning import TurnedLoop
from headrace.metrics import Metrics, open_export
from headrace.operator import Journal, Operator, Run, RunInput, check_worker
from headrace.samples import open_samples, verdict_of
from headrace.values import encode, key_id

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from headrace.operator import Effect, Ledger, Names
    from headrace.plan import AgentPlan
    from headrace.recording import Recorder
    from headrace.records import Record

__all__ = ["JobResult", "LocalEngine"]

_TURN_EVERY = 16  # inputs between two turns of the loop while something waits
_FLUSH_EVERY = 1000  # finished runs between two flushes of a busy job
_FLUSH_SECONDS = 0.05


@dataclass(slots=True)
class JobResult:
    """What a job did."""

    inputs: int = 0
    """Inputs that were read, those left by an earlier process included."""
    finished: int = 0
    """Runs that committed."""
    skipped: int = 0
    """Runs that failed and were dropped, as their policy says."""
    dead_letters: int = 0
    """Runs that failed, and effects that were given up, and were put aside."""
    outputs: int = 0
    """Outputs that were sent."""
    effects: int = 0
    """Effects of the outbox that were done."""
    effects_left: int = 0
    """Effects that were not done when the job ended; a state file gives them to the next one."""
    handed_back: int = 0
    """Inputs that were stopped on; a state file gives them to the next process."""
    held: int = 0
    """Of these, the inputs whose runs wait for somebody's decision."""
    decisions: int = 0
    """Decisions that were read."""
    late_decisions: int = 0
    """Of these, those that nothing waited for."""
    seconds: float = 0.0
    """How long it took."""


class LocalEngine:
    """Runs a plan on this machine.

    Args:
        plan: The agent.
        key: Gives the key of an input.
        state: A SQLite file that survives this process; ``None``: memory.
        output: Takes the outputs.
        dead_letters: Takes the dead letters.
        approvals: Takes the requests for somebody's decision (``headrace.approvals``).
        observers: Told of every record.
        events: The file of the event log; ``None``: one in the folder that the settings name.
        metrics: Counts what happens, and what actions measure themselves.
        recorder: Takes every run, to be run again (``headrace.recording``).
        clock: Seconds since the epoch.
        on_progress: Told of the counts now and then.
        committed: Told of a run that is over, when what it did is where it outlives this process.
        effects: Takes the effects that are sure, instead of having them done.
        stop_after: Seconds that runs under way are given to finish when the job is stopped.
    """

    def __init__(
        self,
        plan: AgentPlan,
        *,
        key: Callable[[Any], Any] | None = None,
        state: Path | None = None,
        output: Sink | None = None,
        dead_letters: Sink | None = None,
        approvals: Sink | None = None,
        observers: Sequence[Callable[[Record], None]] = (),
        events: Path | None = None,
        metrics: Metrics | None = None,
        recorder: Recorder | None = None,
        clock: Callable[[], float] = time.time,
        on_progress: Callable[[JobResult], None] | None = None,
        committed: Callable[[Run], None] | None = None,
        effects: Callable[[Effect], None] | None = None,
        stop_after: float = 10.0,
    ) -> None:
        check_worker(plan)
        self.plan = plan
        self.result = JobResult()
        self._key = key or (lambda value: value)
        self._sinks: Mapping[str, Sink] = {
            "output": output or ListSink(),
            "dead_letter": dead_letters or ListSink(),
            "approval": approvals or ListSink(),
        }
        self._clock = clock
        self._observers = observers
        self._events = events
        self._metrics = metrics
        self._recorder = recorder
        self._on_progress = on_progress
        self._on_committed = committed
        self._effects = effects
        self._committed: list[Run] = []
        self._over: list[str] = []  # runs whose ends the state has with its next flush
        self._stop_after = stop_after
        self._state_path = state
        self._stopping = False
        self._failure: Run | None = None
        self._broken: Exception | None = None
        self._lanes: Lanes[tuple[RunInput, Journal | None]] = Lanes()
        self._turning: TurnedLoop
        self._names: Names
        self._operator: Operator
        self._ledger: Ledger | None
        self._keeping = False  # whether the ends of runs are in a state that lasts
        self._state: State
        self._outbox: LocalOutbox

    def run(self, source: Source) -> JobResult:
        """Runs until the source ends, or ``stop`` is called.

        Raises:
            JobFailedError: A run failed, and its policy is to fail the job.
            InputError: An input cannot be read, or has no key.
        """
        began = time.monotonic()
        with ExitStack() as closing:
            closing.callback(look_seldom())
            for sink in self._sinks.values():
                closing.callback(sink.close)
            keep = self._state_path is not None
            log = open_log(self.plan, file=self._events, keep=keep)
            if log is not None:
                closing.callback(log.close)
            settings, metrics = self.plan.config.metrics, self._metrics
            if settings.export is not None:
                metrics = metrics or Metrics(series=settings.series)
                about = about_of(self.plan, "local", None, 0)
                export = open_export(self.plan, metrics, about, models_of(self.plan))
                if export is not None:
                    closing.callback(export.close)
            samples = open_samples(self.plan)
            if samples is not None:
                closing.callback(samples.close)
            if self._recorder is not None:
                closing.callback(self._recorder.close)
            self._turning = TurnedLoop()
            closing.callback(self._turning.close)
            self._state = self._open_state(closing)
            closing.callback(source.close)
            self._operator = Operator(
                self.plan,
                self._turning.loop,
                on_done=self._done,
                recorded=self._recorded if self._state.durable else None,
                asked=self._asked,
                holding=lambda _run, _change: self._turning.wake(),
                observers=self._observers,
                log=log,
                metrics=metrics,
                samples=samples,
                clock=self._clock,
                watch=self._recorder,
            )
            self._outbox = LocalOutbox(
                self._operator, self._state, self._turning, self.result, self._effects
            )
            if self._operator.metrics is not None:
                self._operator.metrics.watch(
                    queued=lambda: self._lanes.waiting,
                    effects_waiting=lambda: self._outbox.waiting,
                )
            self._ledger = self._operator.ledger
            self._keeping = self._ledger is not None and self._state.durable
            if self._recorder is not None:
                self._turning.run(self._recorder.open(self.plan))
            self._journaled: list[tuple[Run, asyncio.Future[None]]] = []
            self._since_flush = 0
            self._last_flush = time.monotonic()
            try:
                self._drive(source)
            finally:
                self._shut_down()
        self.result.seconds = time.monotonic() - began
        if self._failure is not None and self._failure.outcome is not None:
            error = self._failure.outcome.error
            raise JobFailedError(str(error)) from error
        return self.result

    def stop(self) -> None:
        """Stops reading and lets what is under way finish; may be called from a signal handler."""
        self._stopping = True
        if hasattr(self, "_turning"):  # it runs
            self._turning.wake_from_thread()

    # ------------------------------------------------------------ driving
    def _drive(self, source: Source) -> None:
        pending = list(self._state.pending())
        self._names = self._state.names(self.plan.identity)
        for one in pending:
            one.item.names = self._names
            one.item.again = True
        if self._ledger is not None:
            self._turning.run(self._ledger.open([self._names.part]))
            self._ledger.begin(self._names.part, self._names, [one.item for one in pending])
        self._outbox.recover()
        for one in pending:
            journal = None if one.journal is None else Journal(one.journal)
            self._offer(one.item, journal)
            self._pace()
        sequence = self._state.next_sequence
        source.start(self._state.position(), self._turning.wake_from_thread)
        while not self._stopping and self._failure is None:
            value = source.poll()
            if value is END:
                break
            if value is NOTHING:
                self._flush()
                self._wait()
                continue
            if self._decided(value, source):
                self._pace()
                continue
            item = self._item(value, sequence, source)
            source.taken(item)
            sequence += 1
            self._state.arrived(item, source.position() if source.resumable else None)
            self._offer(item, None)
            self._pace()
        deadline: float | None = None
        while self._busy() and self._failure is None:
            self._flush()
            if not self._stopping and self._held_only():
                if self._state.durable:
                    break  # what waits is in the state; decisions come to the next process
                self._operator.approvals.expire()
            if not self._stopping:
                self._wait()
                continue
            if deadline is None:
                deadline = time.monotonic() + self._stop_after
                self._outbox.stop()
            if (left := deadline - time.monotonic()) <= 0:
                break
            self._wait(left)
        if self._ledger is not None and not (self._keeping or self._stopping or self._failure):
            # Nothing lasts that the job could go on from: now it is over as a whole.
            self._turning.run(self._ledger.forget_all(self._names.part))

    def _busy(self) -> bool:
        return bool(self._operator.suspended) or self._outbox.busy

    def _held_only(self) -> bool:
        """Whether nothing can go on without a decision."""
        held = self._operator.approvals.held
        return bool(held) and len(held) == len(self._operator.suspended) and not self._outbox.busy

    def _decided(self, value: Any, source: Source) -> bool:
        """Takes an input that is a decision; ``False``: it is an ordinary one."""
        try:
            decision = decision_of(value)
        except ValueError as error:
            raise InputError(f"{source.place() or 'an input'}: {error}") from None
        if decision is None:
            return False
        self.result.decisions += 1
        run = self._operator.approvals.decide(decision)
        if run is None:
            self.result.late_decisions += 1
        elif run.journal is not None:
            self._state.journal(run.item, run.journal.stored())
        if source.resumable:
            self._state.moved(source.position())
        return True

    def _asked(self, run: Run, request: Any) -> None:
        self._state.told([("approval", request)])
        if run.journal is not None:
            self._state.journal(run.item, run.journal.stored())

    def _item(self, value: Any, sequence: int, source: Source) -> RunInput:
        try:
            verdict = verdict_of(value)
        except ValueError as error:
            raise InputError(f"{source.place() or 'an input'}: {error}") from None
        try:
            key = self._key(value) if verdict is None else verdict.key
            return RunInput(key, key_id(key), encode(value), sequence, names=self._names)
        except Exception as error:
            place = source.place() or f"input {sequence + 1}"
            if isinstance(error, (MissingFieldError, MemoryValueError)):
                raise InputError(f"{place}: {error}") from None
            raise InputError(
                f"{place}: its key cannot be had: {type(error).__name__}: {error} "
                f"in {str(value)[:120]!r}"
            ) from error

    def _offer(self, item: RunInput, journal: Journal | None) -> None:
        self.result.inputs += 1
        if self._lanes.enter(item.key_id, (item, journal)):
            self._begin(item, journal)
        else:
            item.named()

    def _begin(self, item: RunInput, journal: Journal | None) -> None:
        """Runs a key's inputs until one has to wait."""
        following: tuple[RunInput, Journal | None] | None = (item, journal)
        while following is not None:
            run = self._operator.begin(following[0], self._state.cells(item.key_id), following[1])
            if run.outcome is None:
                run.item.named()  # in the order of the inputs
                return
            following = self._commit(run)

    def _pace(self) -> None:
        """Keeps the loop turning, and waits while too much is under way."""
        operator = self._operator
        if operator.suspended and self.result.inputs % _TURN_EVERY == 0:
            self._turning.turn()
        limit = self.plan.config.max_in_flight
        while (
            (operator.in_flight >= limit or self._lanes.waiting >= 4 * limit)
            and self._failure is None
            and not self._stopping
        ):
            self._flush_if_due()
            self._wait()
        self._flush_if_due()

    def _wait(self, seconds: float | None = None) -> None:
        """Turns the loop until something is awake."""
        self._turning.wait(seconds)
        if self._broken is not None:
            raise self._broken

    def _done(self, run: Run) -> None:
        """Told on the loop of a run that had to wait."""
        following = self._commit(run)
        if following is not None:
            self._begin(*following)
        self._turning.wake()

    def _commit(self, run: Run) -> tuple[RunInput, Journal | None] | None:
        """Takes a run's outcome; gives the input of the same key that is next."""
        outcome = run.outcome
        assert outcome is not None  # noqa: S101 - the operator settles every run
        if self._recorder is not None:
            self._recorder.finished(run)  # before memory changes
        result = self.result
        if outcome.status in {"handed_back", "failed"}:
            if outcome.status == "failed" and self._failure is None:
                self._failure = run
            result.handed_back += 1
            return None  # the lane stays taken: nothing of this key overtakes
        lines = [("output", line) for line in outcome.outputs]
        if outcome.dead_letter is not None:
            lines.append(("dead_letter", encode(outcome.dead_letter.as_dict())))
            result.dead_letters += 1
        elif outcome.status == "skipped":
            result.skipped += 1
        else:
            result.finished += 1
        result.outputs += len(outcome.outputs)
        self._state.commit(run.item, outcome.changes, lines)
        if outcome.effects:
            self._outbox.hold(outcome.effects)
        self._since_flush += 1
        if self._keeping and run.journal is not None and run.journal.version:
            self._over.append(run.id)
        if self._on_committed is not None:
            self._committed.append(run)
        following = self._lanes.leave(run.item.key_id)
        return following if self._failure is None else None

    # ------------------------------------------------------------ making it permanent
    def _open_state(self, closing: ExitStack) -> State:
        if self._state_path is None:
            return MemoryState(self._clock, self._deliver)
        state = SqliteState(self._state_path, self.plan.identity, self._clock, self._deliver)
        closing.callback(state.close)
        lines, lengths = state.undelivered()
        for name, sink in self._sinks.items():
            sink.cut(lengths.get(name, 0))
        if lines:
            state.delivered(self._deliver(lines))
        return state

    def _deliver(self, lines: list[tuple[str, Any]]) -> dict[str, int]:
        by_stream: dict[str, list[Any]] = {name: [] for name in self._sinks}
        for name, line in lines:
            by_stream[name].append(line)
        return {name: self._sinks[name].write(some) for name, some in by_stream.items()}

    async def _recorded(self, run: Run) -> None:
        """Waits for the flush that holds the run's journal; many runs share one."""
        future: asyncio.Future[None] = self._turning.loop.create_future()
        if not self._journaled:
            self._turning.loop.call_soon(self._flush_on_the_loop)
        self._journaled.append((run, future))
        await future

    def _flush_on_the_loop(self) -> None:
        try:
            self._flush()
        except Exception as error:  # noqa: BLE001 - a sink may raise anything; the driver raises it
            self._broken = error
            self._turning.wake()

    def _flush_if_due(self) -> None:
        if self._since_flush >= _FLUSH_EVERY or (
            self._state.durable and time.monotonic() - self._last_flush > _FLUSH_SECONDS
        ):
            self._flush()

    def _flush(self) -> None:
        journaled, self._journaled = self._journaled, []
        for run, _ in journaled:
            if run.journal is not None:
                self._state.journal(run.item, run.journal.stored())
        self._state.flush()
        self._outbox.flushed()
        if self._ledger is not None and self._over:
            over, self._over = self._over, []
            self._ledger.over(over)
        if self._on_committed is not None:
            committed, self._committed = self._committed, []
            for run in committed:
                self._on_committed(run)
        for _, future in journaled:
            if not future.done():
                future.set_result(None)
        self._since_flush = 0
        self._last_flush = time.monotonic()
        if self._on_progress is not None:
            self._on_progress(self.result)

    def _shut_down(self) -> None:
        """Hands back what is under way, and closes the resources."""
        self.result.held = len(self._operator.approvals.held)
        try:
            try:
                self._flush()
                if not self._stopping:  # then what is under way has had its time
                    self._outbox.finish(self._stop_after)
            finally:
                self._turning.run(self._outbox.close())
                self._turning.run(self._operator.close())
            self.result.handed_back += self._lanes.waiting
        finally:
            self._flush()
