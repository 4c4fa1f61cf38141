"""A job on the local engine: files or pipes in and out, stopped by signals."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, Any

from headrace.fields import FieldKey
from headrace.local import CallSink, FileSink, FileSource, InputError, LocalEngine, PipeSource
from headrace_cli._errors import CommandError
from headrace_cli._events import EventLog
from headrace_cli._stdin import StdinLines
from headrace_cli._view import Shown, Tee

if TYPE_CHECKING:
    from types import FrameType

    from headrace.local import Sink, Source
    from headrace_cli._job import Job

__all__ = ["run_local_job"]


def run_local_job(job: Job, shown: Shown, *, display: bool) -> None:
    """Runs a job to its end, or until SIGINT or SIGTERM; counts go to ``shown``.

    Raises:
        CommandError: An input cannot be read, or has no key.
        HeadraceError: What the engine raises.
    """
    lines = StdinLines() if job.input is None else None
    source: Source
    if job.input is not None:
        source = FileSource(job.input, job.form)
    else:
        assert lines is not None  # noqa: S101 - the other half of the line above
        source = PipeSource(lines.as_stream(), job.form or "jsonl")
    # With a state file the outputs of earlier runs stay; the engine cuts them to what it knows of.
    keep = job.state is not None
    letters: Sink = CallSink(lambda _: None)
    if job.dead_letters is not None:
        letters = FileSink(job.dead_letters, keep=keep)
    output: Sink = FileSink(_stdout() if job.output is None else job.output, keep=keep)
    events = None if job.events is None else EventLog(job.events, keep=keep)
    engine = LocalEngine(
        job.plan,
        key=None if job.key is None else FieldKey(job.key),
        state=job.state,
        output=Tee(output, shown.newest.extend) if display else output,
        dead_letters=Tee(letters, shown.failed),
        observers=() if events is None else (events,),
        on_progress=shown.counted,
    )
    signals = _Signals(engine)
    try:
        with signals, closing(events) if events is not None else nullcontext():
            engine.run(source)
    except InputError as error:
        raise CommandError("an input cannot be read", why=str(error), then=_kept(job)) from error
    finally:
        shown.counted(engine.result)
        shown.summary.stopped = signals.received
    if lines is not None and lines.error is not None:
        raise CommandError("an input cannot be read", why=lines.error, then=_kept(job))


def _kept(job: Job) -> str:
    where = "stdout" if job.output is None else str(job.output)
    return f"mend the input and run again; the outputs up to there are in {where}"


def _stdout() -> Any:
    # Texts may hold lone surrogates: what no encoding has is written as JSON's own escape.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    return sys.stdout


class _Signals:
    """Stops an engine on the first SIGINT or SIGTERM; the second one is Python's to handle."""

    def __init__(self, engine: LocalEngine) -> None:
        self.received = False
        self._engine = engine
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._before[number] = signal.signal(number, self._handle)
            except ValueError:  # not the main thread: whoever runs us handles signals
                return

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.received = True
        self._restore()
        # Not by Python's stream: the signal may have come while that one was being written.
        os.write(2, b"stopping: what is under way may finish (again to stop at once)\n")
        try:
            self._engine.stop()
        except AttributeError:  # it has not come to its loop yet
            raise KeyboardInterrupt from None

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
