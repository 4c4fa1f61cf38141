"""The log's side in the job's process: takes records, and passes them on to the writer's process.

Taking what is told of a run is making bytes of a tuple, at once: to keep the objects of some runs
and to make bytes of them together takes twice as long, as memory is not used again while it is in
the processor's cache. A thread of its own gives them to the writer, as fast as that takes them.
What waits is bounded: beyond that, records are thrown away, counted, and it is said once.
"""

from __future__ import annotations

import json
import logging
import marshal
import os
import select
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from headrace.eventlog._levels import Levels
from headrace.eventlog._lines import ENDED, TOLD
from headrace.eventlog._writer import LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from headrace.eventlog._choosing import Choice
    from headrace.eventlog._lines import Parcel, Told
    from headrace.eventlog.settings import LogSettings

__all__ = ["EventLog"]

_LOG = logging.getLogger("headrace.log")
_RECORDS = logging.getLogger("headrace.events")
_START = "import sys\nfrom headrace.eventlog._writer import main\nmain()\n"
_MOST_BYTES = 64 * 2**20  # that the writer has not taken yet
_FLAT = 2  # marshal's version without a table of references: that takes longer than it saves
_EVERY = 0.05  # seconds between two batches
_CLOSING = 10.0  # seconds that the writer is given for what is left
_FLUSH = b""  # among what is told of runs: it asks for what came before to be passed on
_RESTARTS = 3
_PIPE = 1 << 20
_SET_PIPE_SIZE = 1031  # fcntl.F_SETPIPE_SZ, on Linux
_TEXT = 20_000  # characters of a text in a record that marshal cannot take as it is


class EventLog:
    """Takes what an operator tells, and never holds it up.

    Args:
        settings: What is told.
        order: What the writer is told: ``agent``, ``identity``, ``path``, ``family``, ``keep``,
            ``rotates``, ``about`` (of the file's first line), ``sinks`` and what those are told.
        parent: The field of an input that holds a trace context; ``None``: nobody asks for it.
        choose: Chooses the runs of which anything is taken; ``None``: all of them.
    """

    def __init__(
        self,
        settings: LogSettings,
        order: Mapping[str, Any],
        parent: str | None = None,
        choose: Choice | None = None,
    ) -> None:
        self.parent = parent
        self.choose = choose
        self.levels = Levels(settings.level, settings.levels)
        self._pump = _Pump({**order, "settings": settings.model_dump(mode="json")})
        self.take = self._pump.take
        # Flink does not close the functions of a job that was cancelled.
        self._end = weakref.finalize(self, self._pump.close)

    @staticmethod
    def packed(told: Told) -> bytes:
        """What is told, so that nobody can change it any more."""
        try:
            return marshal.dumps(cast("Any", told))
        except ValueError:  # something that is no data
            return marshal.dumps(_plain(told, 0))

    @property
    def lost(self) -> int:
        """Records that are not in the log."""
        return self._pump.lost

    def flush(self, seconds: float) -> None:
        """Waits until all that was taken is written and the sinks have passed it on, or that long.

        To be called by whoever calls ``take``.
        """
        self._pump.flush(seconds)

    def close(self) -> None:
        """Has what is left written, and says what is missing."""
        self._end()


class _Pump:
    """Passes records on, in a thread of its own."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        self.lost = 0
        self._order = order
        self._name = order["path"] or "of this job"
        self._bodies: deque[bytes] = deque()
        self._thrown = 0
        self._in = self._out = 0  # bytes that came, and that have left; each has one writer
        self._gap = 0  # records that were thrown away, which the log is to say
        self._frames: deque[tuple[bytes, int]] = deque()  # with the size of their bodies
        self._begun = 0  # bytes of the first frame that are written
        self._wake = threading.Event()
        self._flushed = threading.Event()
        self._closing = False
        self._said: set[str] = set()
        self._starts = 0
        self._writer: subprocess.Popen[bytes] | None = None
        self._heard = b""
        self._start()
        self._thread = threading.Thread(target=self._run, name="headrace-log", daemon=True)
        self._thread.start()

    def take(self, parcel: Parcel) -> None:
        """Takes what is told of a run; it is thrown away where too much waits."""
        try:
            body = marshal.dumps(parcel, _FLAT)
        except ValueError:  # something that is no data
            body = marshal.dumps(_plain(parcel, 0), _FLAT)
        if self._in - self._out > _MOST_BYTES:
            self._thrown += _records(parcel)
            return
        self._in += len(body)
        self._bodies.append(body)

    def flush(self, seconds: float) -> None:
        """Waits until the writer and the sinks have passed all on, or that long."""
        self._flushed.clear()
        self._bodies.append(_FLUSH)
        self._flushed.wait(seconds)

    def close(self) -> None:
        """Ends the thread and the writer, when they have written what is left."""
        self._closing = True
        self._wake.set()
        self._thread.join(_CLOSING + 1)
        if self.lost:
            _LOG.warning("%d records are not in the event log %s", self.lost, self._name)

    # ------------------------------------------------------------ the thread
    def _run(self) -> None:
        deadline = None
        while True:
            self._collect()
            if self._closing and deadline is None:
                deadline = time.monotonic() + _CLOSING
            if deadline is not None and (
                self._writer is None
                or not (self._frames or self._bodies)
                or time.monotonic() > deadline
            ):
                break
            if self._frames:
                self._move(_EVERY)
            else:
                self._wake.wait(_EVERY)
                self._move(0)
        self._finish(deadline)

    def _collect(self) -> None:
        """Makes a frame of what was taken."""
        thrown, self._thrown = self._thrown, 0
        if thrown:
            self._throw(thrown)
            self._gap += thrown
        bodies = [self._bodies.popleft() for _ in range(len(self._bodies))]
        if not bodies:
            return
        size = sum(map(len, bodies))
        if self._writer is None:
            self.lost += _held(bodies)
            self._out += size
            self._flushed.set()
            return
        parts: list[bytes | int] = [*bodies]
        if self._gap:
            parts.insert(0, self._gap)
            self._gap = 0
        frame = marshal.dumps(parts)
        self._frames.append((LENGTH.pack(len(frame)) + frame, size))

    def _throw(self, records: int) -> None:
        self.lost += records
        self._say("slow", "the event log %s is written too slowly: records are thrown away")

    def _move(self, seconds: float) -> None:
        """Gives the writer what it takes, hears what it tells."""
        writer = self._writer
        if writer is None:
            return
        assert writer.stdin is not None  # noqa: S101 - both are pipes
        assert writer.stdout is not None  # noqa: S101
        reading, writing = [writer.stdout], [writer.stdin] if self._frames else []
        try:
            readable, writable, _ = select.select(reading, writing, [], seconds)
            if readable:
                self._hear(os.read(writer.stdout.fileno(), 1 << 16))
            if writable:
                self._give(writer.stdin.fileno())
        except (BrokenPipeError, ValueError):
            self._restart()
        except BlockingIOError:
            pass

    def _give(self, pipe: int) -> None:
        while self._frames:
            frame, size = self._frames[0]
            self._begun += os.write(pipe, memoryview(frame)[self._begun :])
            if self._begun < len(frame):
                return
            self._frames.popleft()
            self._out += size
            self._begun = 0

    def _hear(self, said: bytes) -> None:
        if not said:
            raise BrokenPipeError
        *lines, self._heard = (self._heard + said).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if "line" in told:
                _RECORDS.info("%s", told["line"])
            elif "flushed" in told:
                self._flushed.set()
            elif "lost" in told:
                self.lost += told["lost"]
                self._say(told["why"], "the event log %s cannot be written: " + told["why"])
            elif "sink" in told:
                self._say(told["sink"], "a sink of the event log %s: " + told["sink"])

    def _say(self, what: str, text: str) -> None:
        """Says something once."""
        if what not in self._said and len(self._said) < _RESTARTS * 10:
            self._said.add(what)
            _LOG.warning(text.replace("%s", str(self._name), 1))

    # ------------------------------------------------------------ the writer
    def _start(self) -> None:
        self._starts += 1
        # Isolated, for it needs nothing of the site: so it is there in a moment.
        try:
            self._writer = subprocess.Popen(  # noqa: S603 - this interpreter, our own module
                [
                    sys.executable,
                    "-I",
                    "-S",
                    "-c",
                    f"import sys\nsys.path[:] = {sys.path!r}\n{_START}",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is the job's to handle
            )
        except OSError as error:
            self._writer = None
            self._say("start", f"the event log %s cannot be written: {error}")
            return
        assert self._writer.stdin is not None  # noqa: S101 - as above
        pipe = self._writer.stdin.fileno()
        _widen(pipe)
        os.set_blocking(pipe, False)
        body = marshal.dumps({**self._order, "keep": self._order["keep"] or self._starts > 1})
        self._frames.appendleft((LENGTH.pack(len(body)) + body, 0))
        self._begun = 0

    def _restart(self) -> None:
        """Has another writer go on where one was killed."""
        self._drop_writer()
        if self._closing or self._starts > _RESTARTS:
            self.lost += self._left()
            self._out += sum(size for _, size in self._frames)
            self._frames.clear()
            self._say("gone", "the event log %s is not written any more: its process was killed")
            return
        self._say("again", "the event log's process was killed, and is started again (%s)")
        self._start()

    def _left(self) -> int:
        """Records that the writer did not take."""
        return sum(
            _held(marshal.loads(frame[LENGTH.size :]))  # noqa: S302 - made above
            for frame, size in self._frames
            if size
        )

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        writer.kill()
        writer.wait()
        for pipe in (writer.stdin, writer.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _finish(self, deadline: float | None) -> None:
        writer = self._writer
        if writer is None:
            return
        if left := self._left():
            self._throw(left)
        assert writer.stdin is not None  # noqa: S101 - as above
        assert writer.stdout is not None  # noqa: S101
        writer.stdin.close()
        while deadline is not None and (seconds := deadline - time.monotonic()) > 0:
            readable, _, _ = select.select([writer.stdout], [], [], seconds)
            if not readable:
                break
            said = os.read(writer.stdout.fileno(), 1 << 16)
            if not said:
                break
            self._hear(said)
        self._drop_writer()


def _records(parcel: Parcel) -> int:
    """How many records a parcel holds."""
    return len(parcel[TOLD]) + (len(parcel) > ENDED)


def _held(bodies: Iterable[bytes | int]) -> int:
    """How many records some bodies hold."""
    found = [one for one in bodies if type(one) is bytes and one != _FLUSH]
    return sum(_records(marshal.loads(one)) for one in found)  # noqa: S302 - ours


def _widen(pipe: int) -> None:
    """Makes room in a pipe, so that the thread wakes less often; where that may be."""
    try:
        import fcntl

        fcntl.fcntl(pipe, _SET_PIPE_SIZE, _PIPE)
    except (ImportError, OSError):
        pass


def _plain(value: Any, depth: int) -> Any:
    """What ``marshal`` takes: of a value that is no data, its text."""
    kind = type(value)
    if value is None or kind in {bool, int, float, str, bytes}:
        return value
    if depth > 200:  # noqa: PLR2004 - deeper than any stored form
        return None
    if isinstance(value, dict):
        return {str(name): _plain(item, depth + 1) for name, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_plain(item, depth + 1) for item in value)
    if isinstance(value, (list, set, frozenset)):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, str):
        return str.__str__(value)
    try:
        return str(value)[:_TEXT]
    except Exception:  # noqa: BLE001 - somebody else's text
        return f"<{kind.__name__}>"
