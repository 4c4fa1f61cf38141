"""To whom the operator tells of itself: observers, and the event log where its levels let it in.

Ids are within the run here (``0.0``, the first action of the first step): the id of a run is a
digest of its input, which is not made for a run that nobody asks for it.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from headrace.eventlog import VERBOSE, named_call
from headrace.eventlog._lines import trace_of
from headrace.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.eventlog import EventLog
    from headrace.eventlog._lines import Finished, Parcel, Told, Wrote
    from headrace.metrics import RuntimeMetrics
    from headrace.operator._run import Run
    from headrace.records import RecordKind
    from headrace.samples import Telling

__all__ = ["Passing"]

_LOG_KINDS = {"retried": "retry"}
"""What resources tell that has a kind of its own in the log."""


class Passing:
    """Passes records on.

    Args:
        agent: The agent's name.
        observers: Told of every record.
        log: Told of those that its levels let in.
        clock: Seconds since the epoch.
        metrics: Counts all of it.
        currency: What costs are told in.
    """

    __slots__ = (
        "_agent",
        "_choose",
        "_clock",
        "_currency",
        "_levels",
        "_metrics",
        "_observers",
        "_packed",
        "_parent",
        "_passed",
        "_run_level",
        "on",
        "some",
        "starts",
    )

    def __init__(
        self,
        agent: str,
        observers: Sequence[Callable[[Record], None]],
        log: EventLog | Telling | None,
        clock: Callable[[], float],
        metrics: RuntimeMetrics | None = None,
        currency: str = "",
    ) -> None:
        self._agent = agent
        self._currency = currency
        self._observers = tuple(observers)
        self._levels = None if log is None else log.levels.known
        self._passed = _nowhere if log is None else log.take
        self._run_level = 0 if log is None else log.levels.of("run", agent)
        self._packed = _packed_nowhere if log is None else log.packed
        self._parent = None if log is None else log.parent
        self._choose = None if log is None else log.choose
        self._clock = clock
        self._metrics = metrics
        self.on = bool(observers) or log is not None or metrics is not None
        self.some = self._choose is not None and not observers and metrics is None
        """Whether nobody is told anything of some runs (``tells``)."""
        self.starts = (
            bool(observers) or metrics is not None or (log is not None and log.levels.any_verbose)
        )

    def tells(self, run: Run) -> bool:
        """Whether the event log is told of a run: where it has but a share of them, if chosen."""
        if self._choose is None:
            return True
        if run.chosen is None:
            item = run.item
            run.chosen = self._choose(item.key_id, item.sequence, item.value)
        return run.chosen

    def record(
        self,
        run: Run,
        kind: RecordKind,
        what: str,
        *,
        name: str = "",
        id: str = "",  # noqa: A002 - the record's own word
        cause: str = "",
        attempt: int = 1,
        duration: float | None = None,
        error: str | None = None,
        fault: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Anything else."""
        if self._observers:
            self._observe(
                run, kind, what, name=name, id=id, cause=cause,
                attempt=attempt, duration=duration, error=error, data=dict(data or {}),
            )  # fmt: skip
        if self._levels is None:
            return
        logged: str = kind
        if kind == "call":
            logged, name = named_call(name)
        elif kind == "resource":
            logged = _LOG_KINDS.get(what, kind)
        level = self._levels[logged, name]
        if level and (level == VERBOSE or what != "started"):
            if error is not None and fault is None:
                fault = logged if logged in {"model", "tool", "parse"} else "action"
            self._take(
                run, level, logged, what, name, id, cause, attempt, duration, error, fault, data
            )

    def _take(
        self,
        run: Run,
        level: int,
        kind: str,
        what: str,
        name: str = "",
        id_: str = "",
        cause: str = "",
        attempt: int = 1,
        duration: float | None = None,
        error: str | None = None,
        fault: str | None = None,
        data: Mapping[str, Any] | None = None,
        replayed: bool = False,  # noqa: FBT001, FBT002 - one of the columns
    ) -> None:
        if not self.tells(run):
            return
        # Packed now: what it holds may be somebody else's, who changes it.
        self._put(
            run,
            self._packed(
                (self._clock(), level, kind, what, name, id_, cause, attempt, duration, error,
                 fault, data, replayed)
            ),
        )  # fmt: skip

    def _put(self, run: Run, told: Finished | Wrote | bytes) -> None:
        if run.told is not None:
            run.told.append(told)
            return
        run.told = [told]
        if not run.eager:
            self.flush(run)

    def flush(self, run: Run) -> None:
        """Passes on what was told of a run: it is over, or waits for the first time.

        Of a run that never waits the id is made by the log's writer: making it takes time.
        """
        told, run.told = run.told, None
        if told:
            item = run.item
            known = run.known_id if run.eager else run.id
            value = item.value
            if known is not None:  # then it is needed for nothing but this
                value = None if self._parent is None else trace_of(value, self._parent)
            since = self._clock() - monotonic()
            self._passed((known, item.key_id, item.sequence, value, item.again, told, since))

    def _observe(self, run: Run, kind: RecordKind, what: str, **more: Any) -> None:
        for name in ("id", "cause"):
            if (said := more.get(name)) and not said.startswith(run.id):
                more[name] = f"{run.id}/{said}"
        self._show(Record(kind, what, self._clock(), run.id, run.item.key_id, **more))

    def _show(self, made: Record) -> None:
        for observer in self._observers:
            try:
                observer(made)
            except Exception:  # noqa: BLE001, S112 - watching never fails a run
                continue


def _nowhere(parcel: Parcel) -> None:
    """Takes what is told where there is no log: nothing is."""


def _packed_nowhere(_told: Told) -> bytes:
    """Likewise."""
    return b""
