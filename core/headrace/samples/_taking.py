"""The job's side: takes what the operator tells of runs that are drawn, until they have ended."""

from __future__ import annotations

import marshal
import weakref
from typing import TYPE_CHECKING, Any, Final

from headrace.eventlog import OFF, STANDARD, EventLog
from headrace.eventlog._levels import Known
from headrace.eventlog._lines import ENDED, TOLD, type_of
from headrace.operator._names import content_of
from headrace.samples._drawing import drawing
from headrace.samples._pump import Drawn, Pump

if TYPE_CHECKING:
    from headrace.eventlog import Levels
    from headrace.eventlog._lines import Parcel
    from headrace.operator import RunInput
    from headrace.samples._making import Maker
    from headrace.samples._places import Places

__all__ = ["Sampling", "Telling"]

_KINDS: Final = frozenset(
    {"run", "model", "tool", "call", "approval", "agent", "retry", "parse", "skill"}
)
"""What is told of a run for its sample, also where the event log does not tell it."""
_MOST_OPEN = 10_000  # drawn runs under way, of which something was told


class Sampling:
    """Takes runs to be put aside; never holds one up, and never fails.

    Args:
        agent: The agent's name.
        identity: The job's.
        share: How many of the runs are drawn.
        maker: Makes samples.
        places: Where they are put.
    """

    def __init__(
        self, agent: str, identity: str, share: float, maker: Maker, places: Places
    ) -> None:
        self.agent = agent
        self._identity = identity
        self._drawn = drawing(share)
        self._open: dict[str, list[bytes]] = {}
        self._pump = Pump(maker, places)
        # Flink does not close the functions of a job that was cancelled.
        self._end = weakref.finalize(self, self._pump.close)

    @property
    def lost(self) -> int:
        """Samples that could not be put aside."""
        return self._pump.lost

    def draws(self, item: RunInput) -> bool:
        """Whether the run of an input is drawn."""
        return self._drawn(content_of(self._identity, item.key_id, item.value))

    def take(self, parcel: Parcel) -> None:
        """Takes what is told of a run; when that has ended with outputs, it is put aside."""
        run = parcel[0]
        if run is None or not self._drawn(run):
            return
        pieces = [*self._open.pop(run, ()), EventLog.packed(parcel)]
        status, outputs = _end(parcel)
        if not status:
            self._open[run] = pieces
            if len(self._open) > _MOST_OPEN:
                self._pump.lose(1, "too many runs are under way")
                self._open.pop(next(iter(self._open)), None)
        elif status == "finished" and outputs:
            self._pump.put(Drawn(run, parcel[1], pieces))

    def close(self) -> None:
        """Has what waits put aside, and says what could not be."""
        self._end()


class _Levels:
    """Levels of what is told to the event log and for samples: as ``headrace.eventlog.Levels``."""

    def __init__(self, log: Levels | None) -> None:
        self._log = log
        self.any_verbose = log is not None and log.any_verbose
        self.known = Known(self._found)

    def of(self, kind: str, name: str) -> int:
        return self.known[kind, name]

    def _found(self, kind: str, name: str) -> int:
        level = OFF if self._log is None else self._log.of(kind, name)
        return level or (STANDARD if kind in _KINDS else OFF)


class Telling:
    """The event log and the samples, for a teller that knows one of them.

    Args:
        log: The event log.
        samples: The samples.
    """

    packed = staticmethod(EventLog.packed)
    choose = None
    """All runs are told of, as there may be a sample of any; the log beside it knows that."""

    def __init__(self, log: EventLog | None, samples: Sampling) -> None:
        self._samples = samples
        self._log = log
        self.parent = None if log is None else log.parent
        self._own = None if log is None or not log.levels.any_off else log.levels
        self.levels = _Levels(None if log is None else log.levels)

    def take(self, parcel: Parcel) -> None:
        """Takes what is told of a run."""
        if self._log is not None:
            own = parcel if self._own is None else _let_in(parcel, self._own, self._samples.agent)
            if own is not None:
                self._log.take(own)
        self._samples.take(parcel)


def _let_in(parcel: Parcel, levels: Levels, agent: str) -> Parcel | None:
    """What a log takes of what is told, where it does not take all; ``None``: nothing."""
    told = [one for one in parcel[TOLD] if levels.of(*type_of(one))]
    rest = parcel[TOLD + 1 :] if levels.of("run", agent) else parcel[TOLD + 1 : ENDED]
    return (*parcel[:TOLD], told, *rest) if told or len(rest) > 1 else None


def _end(parcel: Parcel) -> tuple[str, Any]:
    """How the run has ended, and its outputs; an empty text: it has not."""
    if len(parcel) > ENDED:
        return parcel[ENDED + 2], parcel[ENDED + 3]
    last = parcel[TOLD][-1] if parcel[TOLD] else None
    if isinstance(last, bytes):
        _, _, kind, what, *_, data, _ = marshal.loads(last)  # noqa: S302 - packed above
        if kind == "run" and what != "started":
            return what, (data or {}).get("outputs")
    return "", None
