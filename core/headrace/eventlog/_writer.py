"""The process that makes lines of records and writes them: started by ``EventLog``, apart.

It reads batches of parcels from its stdin, each ``marshal``'s bytes behind their length, and ends
when stdin does. On its stdout it tells, a line of JSON each, what could not be written
(``{"lost": COUNT, "why": TEXT}``), where it was asked to, the lines themselves (``{"line":
TEXT}``), and that all is passed on that came before an empty parcel (``{"flushed": true}``). It is
a process of its own so that shortening and redacting values takes no time from the job, that a disk
which does not answer holds up nobody, and that what was told before a ``kill -9`` of the job is
written all the same.
"""

from __future__ import annotations

import json
import marshal
import os
import signal
import struct
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.eventlog._files import Keeping, LogFile
from headrace.eventlog._lines import VERSION, LineMaker
from headrace.eventlog._sinks import SinkOpening, Sinks
from headrace.eventlog._values import Limits, Shower, dumps
from headrace.secret_names import secret_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    from headrace.eventlog._sinks import Wanting

__all__ = ["LENGTH", "main"]

LENGTH = struct.Struct("<I")
"""How long what follows is."""


class Writer:
    """Writes records.

    Args:
        order: What ``EventLog`` says, see there.
        tell: Tells the job's process.
    """

    def __init__(self, order: Mapping[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
        said = order["settings"]
        self._order = order
        self._tell = tell
        self._echo: bool = said["logger"]
        shower = Shower(said["redact"], _secrets(order["secrets"]))
        self._lines = LineMaker(
            order["agent"],
            order["identity"],
            Limits(said["max_text"], said["max_items"], said["max_depth"], said["max_value"]),
            Limits(said["max_value"], said["max_value"], 100, said["max_value"]),
            shower,
            order["traces"]["parent"] if order["traces"]["export"] else None,
        )
        self._file = None if order["path"] is None else self._opened(order)
        self._sinks = self._gathered(order) if order["sinks"] else None
        self._missing = 0  # records that the file lacks, and does not say so yet

    def _opened(self, order: Mapping[str, Any]) -> LogFile:
        said = order["settings"]
        keeping = None
        if order["rotates"]:
            keeping = Keeping(said["rotate"], said["keep"], said["keep_days"], said["compress"])
        made = LogFile(
            Path(order["path"]),
            keep=order["keep"],
            keeping=keeping,
            family=order["family"],
            header=self._header,
        )
        with suppress(OSError):  # what there is to say is said when it is written
            made.throw_away()
        return made

    def _gathered(self, order: Mapping[str, Any]) -> Sinks:
        tell = self._tell
        opening = SinkOpening(
            order["agent"],
            order["identity"],
            order["about"],
            order["models"],
            order["traces"],
            lambda text: tell({"sink": text}),
        )
        return Sinks(order["sinks"], opening, tell)

    def _header(self) -> bytes:
        return self._own("opened", self._order["about"])

    def _own(self, what: str, data: Mapping[str, Any]) -> bytes:
        agent = dumps(self._order["agent"])
        return (
            f'{{"v":{VERSION},"time":{time.time():.6f},"kind":"log","what":"{what}",'
            f'"agent":{agent},"data":{dumps(data)}}}\n'
        ).encode("utf-8", "replace")

    def take(self, batch: list[Any]) -> None:
        """Takes a batch of parcels; a number says how many records were thrown away before."""
        made: list[str] = []
        wanted: list[tuple[Wanting, list[str]]] = []
        flush = False
        for body in batch:
            if type(body) is int:
                self._missing += body
                continue
            if not body:
                flush = True
                continue
            try:
                one = marshal.loads(body)  # noqa: S302 - our own parent's
                whose = self._lines.whose(one)
                wanting = None if self._sinks is None else self._sinks.wanting(*whose)
                if not wanting and self._file is None and not self._echo:
                    continue
                lines = self._lines.lines(one, whose)
            except Exception as error:  # noqa: BLE001 - one record never loses the others
                self._lose(1, f"a record cannot be shown: {type(error).__name__}: {error}")
                continue
            made += lines
            if wanting:
                wanted.append((wanting, lines))
        if self._file is not None and made:
            self._write(made)
        if self._echo:
            for line in made:
                self._tell({"line": line[:-1]})
        if self._sinks is not None:
            for wanting, lines in wanted:
                self._sinks.give(wanting, lines)
        if flush:
            if self._sinks is not None:
                self._sinks.flush()
            self._tell({"flushed": True})

    def _write(self, made: list[str]) -> None:
        assert self._file is not None  # noqa: S101 - asked by the caller
        lines = "".join(made).encode("utf-8", "replace")
        missing = self._missing
        if missing:
            lines = self._own("lost", {"records": missing}) + lines
        try:
            self._file.write(lines)
        except OSError as error:
            self._lose(len(made), error.strerror or str(error))
        else:
            self._missing -= missing

    def _lose(self, count: int, why: str) -> None:
        self._missing += count
        self._tell({"lost": count, "why": why})

    def close(self) -> None:
        """Closes the file and the sinks; what the file lacks is said in it, where that can be."""
        if self._file is not None:
            with suppress(OSError):  # it was told already
                if self._missing:
                    self._file.write(self._own("lost", {"records": self._missing}))
                self._file.close()
        if self._sinks is not None:
            self._sinks.close()


def _secrets(names: list[str]) -> list[str]:
    """What the environment holds that is secret by its name, or was named."""
    wanted = set(names)
    return [
        value
        for name, value in os.environ.items()
        if value and (name in wanted or secret_name(name.lower()))
    ]


def _frame(stream: BinaryIO) -> Any:
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = stream.read(length)
    return marshal.loads(body) if len(body) == length else None  # noqa: S302 - our own parent's


def main() -> None:
    """Writes until stdin ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the job's end is ours
    stream, out = sys.stdin.buffer, sys.stdout.buffer

    telling = threading.Lock()  # sinks have threads of their own

    def tell(what: dict[str, Any]) -> None:
        try:
            with telling:
                out.write(json.dumps(what).encode() + b"\n")
                out.flush()
        except OSError:
            pass  # nobody listens any more

    order = _frame(stream)
    if order is None:
        return
    writer = Writer(order, tell)
    while (batch := _frame(stream)) is not None:
        writer.take(batch)
    writer.close()
    tell({"done": True})
