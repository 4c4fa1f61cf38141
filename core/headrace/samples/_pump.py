"""Makes samples and puts them aside, in a thread of its own: a slow disk holds up no run."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from headrace.samples._making import Maker
    from headrace.samples._places import Places

__all__ = ["Drawn", "Pump"]

_LOG = logging.getLogger("headrace.samples")
_MOST_BYTES = 64 * 2**20  # of runs that wait
_CLOSING = 10.0  # seconds for what waits when the job ends
_MOST_SAID = 20


class Drawn(NamedTuple):
    """A run that has ended, and is to be put aside."""

    run: str
    """Its id."""
    key_id: str
    """Its key's."""
    pieces: list[bytes]
    """The parcels that were told of it (``headrace.eventlog``), marshalled, in their order."""


class Pump:
    """Takes runs, and puts them aside one after the other.

    Args:
        maker: Makes samples.
        places: Where they are put.
    """

    def __init__(self, maker: Maker, places: Places) -> None:
        self.lost = 0
        self._maker = maker
        self._places = places
        self._waiting: deque[tuple[Drawn, int]] = deque()
        self._in = self._out = 0  # bytes that came, and that have left; each has one writer
        self._wake = threading.Event()
        self._closing = False
        self._said: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="headrace-samples", daemon=True)
        self._thread.start()

    def put(self, drawn: Drawn) -> None:
        """Takes a run; it is lost where too much waits."""
        size = sum(map(len, drawn.pieces))
        if self._in - self._out + size > _MOST_BYTES:
            self.lose(1, "they are put aside too slowly")
            return
        self._in += size
        self._waiting.append((drawn, size))
        self._wake.set()

    def lose(self, count: int, why: str) -> None:
        """Counts what is lost, and says why, once."""
        self.lost += count
        self._say(why, "samples are lost")

    def close(self) -> None:
        """Ends the thread when it has put aside what waits."""
        self._closing = True
        self._wake.set()
        self._thread.join(_CLOSING)
        if self._thread.is_alive():
            self.lose(len(self._waiting) + 1, "they are put aside too slowly")
        if self.lost:
            _LOG.warning("%d samples could not be put aside", self.lost)

    def _say(self, why: str, what: str) -> None:
        if why not in self._said and len(self._said) < _MOST_SAID:
            self._said.add(why)
            _LOG.warning("%s: %s", what, why)

    # ------------------------------------------------------------ the thread
    def _run(self) -> None:
        for fault in self._places.open():
            self._say(fault, "samples are not put where they should be")
        while True:
            while self._waiting:
                drawn, size = self._waiting.popleft()
                self._one(drawn)
                self._out += size
            if self._closing:
                self._places.close()
                return
            self._wake.wait()
            self._wake.clear()

    def _one(self, drawn: Drawn) -> None:
        try:
            if not self._places.room(drawn.run, time.time()):
                return
            sample = self._maker.make(drawn)
        except Exception as error:  # noqa: BLE001 - a sample never harms the job
            self.lose(1, f"{type(error).__name__}: {error}")
            return
        if sample is None:
            if self._maker.fault:
                self._say(self._maker.fault, "runs are not put aside")
            return
        for fault in self._places.put(drawn.run, sample):
            self.lose(1, fault)
