"""The job's side: takes what the operator tells of runs that are drawn, until they have ended."""

from __future__ import annotations

import marshal
import weakref
from typing import TYPE_CHECKING, Any, Final

from headrace.eventlog import OFF, STANDARD
from headrace.eventlog._log import _plain
from headrace.operator._names import content_of
from headrace.samples._drawing import drawing
from headrace.samples._pump import Drawn, Pump

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.eventlog import EventLog
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
        identity: The job's.
        share: How many of the runs are drawn.
        maker: Makes samples.
        places: Where they are put.
    """

    def __init__(self, identity: str, share: float, maker: Maker, places: Places) -> None:
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
        run, key_id, _, _, _, told = parcel
        if run is None or not self._drawn(run):
            return
        try:
            packed = marshal.dumps(told)
        except ValueError:  # something that is no data
            packed = marshal.dumps(_plain(told, 0))
        pieces = [*self._open.pop(run, ()), packed]
        last = told[-1]
        if last[2] != "run" or last[3] == "started":
            self._open[run] = pieces
            if len(self._open) > _MOST_OPEN:
                self._pump.lose(1, "too many runs are under way")
                self._open.pop(next(iter(self._open)), None)
        elif last[3] == "finished" and last[11] and last[11].get("outputs"):
            self._pump.put(Drawn(run, key_id, parcel[4], pieces))

    def close(self) -> None:
        """Has what waits put aside, and says what could not be."""
        self._end()


class _Levels:
    """Levels of what is told to the event log and for samples."""

    def __init__(self, log: Callable[[str, str], int] | None, *, verbose: bool) -> None:
        self._log = log
        self.any_verbose = verbose

    def of(self, kind: str, name: str) -> int:
        """As ``headrace.eventlog.Levels.of``."""
        level = OFF if self._log is None else self._log(kind, name)
        return level or (STANDARD if kind in _KINDS else OFF)


class Telling:
    """The event log and the samples, for a teller that knows one of them.

    Args:
        log: The event log.
        samples: The samples.
    """

    def __init__(self, log: EventLog | None, samples: Sampling) -> None:
        self._log = log
        self._samples = samples
        of = None if log is None else log.levels.of
        self._of: Callable[[str, str], int] = of or _nothing
        self.levels = _Levels(of, verbose=log is not None and log.levels.any_verbose)

    def take(self, parcel: Any) -> None:
        """Takes what is told of a run."""
        log = self._log
        if log is not None:
            told = [one for one in parcel[5] if self._of(one[2], one[4])]
            if told:
                log.take((*parcel[:5], told))
        self._samples.take(parcel)


def _nothing(_kind: str, _name: str) -> int:
    return OFF
