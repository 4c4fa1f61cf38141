"""A whole job over files or pipes on this machine, stopped by signals."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.fields import FieldKey
from headrace.local._engine import JobResult, LocalEngine
from headrace.local._sinks import CallSink, FileSink, Sink
from headrace.local._sources import FileSource, InputError, PipeSource
from headrace.local._stdin import StdinLines
from headrace.metrics import Endpoint, Metrics
from headrace.settings import settled_here
from headrace.values import decode, to_jsonable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import FrameType

    from headrace.local._sources import Source
    from headrace.plan import AgentPlan

__all__ = ["LocalJob", "Watch", "run_files"]

_NEWEST = 12
"""Outputs that are told of at a time, at most."""


@dataclass(frozen=True, slots=True)
class LocalJob:
    """What a job reads, writes and keeps."""

    input: Path | None = None
    """The inputs; ``None`` is stdin."""
    output: Path | None = None
    """The outputs; ``None`` is stdout."""
    key: str | None = None
    """The field that is the key, dotted for nested ones; the input itself where ``None``."""
    form: str | None = None
    """``jsonl``, ``csv`` or ``text``; by the file's name where ``None``."""
    state: Path | None = None
    """The file that survives the process."""
    dead_letters: Path | None = None
    """Where inputs go whose runs failed for good; nowhere where ``None``."""
    approvals: Path | None = None
    """Where requests for somebody's decision go; nowhere where ``None``."""
    events: Path | None = None
    """The file of the event log."""
    record: Path | None = None
    """The file that runs are recorded in, to be run again."""
    metrics: tuple[str, int] | None = None
    """The address and port where metrics are shown while it runs; nowhere where ``None``."""


class Watch:
    """Is told how a job goes; this one ignores it."""

    def counted(self, result: JobResult) -> None:
        """Takes the counts, now and then and at the end."""

    def sent(self, outputs: Sequence[Any]) -> None:
        """Takes new outputs."""

    def failed(self, letters: Sequence[Any]) -> None:
        """Takes new dead letters."""

    def showing(self, address: str) -> None:
        """Told where metrics are shown."""


def run_files(
    plan: AgentPlan, job: LocalJob, watch: Watch | None = None, *, outputs: bool = False
) -> tuple[JobResult, bool]:
    """Runs a job to its end, or until SIGINT or SIGTERM.

    What the agent's own code prints goes to stderr meanwhile: stdout is for outputs.

    Args:
        plan: The agent.
        job: What it reads, writes and keeps.
        watch: Is told how it goes.
        outputs: Whether it is told of outputs, too.

    Returns:
        The counts, and whether a signal ended it.

    Raises:
        InputError: An input cannot be read, or has no key; what came before it is done.
        HeadraceError: What the engine raises.
    """
    watch = watch or Watch()
    plan = settled_here(plan)
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
    approvals = None if job.approvals is None else FileSink(job.approvals, keep=keep)
    output: Sink = FileSink(_stdout() if job.output is None else job.output, keep=keep)
    metrics = None if job.metrics is None else Metrics(series=plan.config.metrics.series)
    recorder = None
    if job.record is not None:
        from headrace.recording import Recorder

        recorder = Recorder(job.record, keep=keep)
    engine = LocalEngine(
        plan,
        key=None if job.key is None else FieldKey(job.key),
        state=job.state,
        output=_Tee(output, watch.sent) if outputs else output,
        dead_letters=_Tee(letters, watch.failed),
        approvals=approvals,
        events=job.events,
        metrics=metrics,
        recorder=recorder,
        on_progress=watch.counted,
    )
    endpoint = None
    if metrics is not None and job.metrics is not None:
        endpoint = Endpoint(metrics, *job.metrics)
        watch.showing(endpoint.address)
    signals = _Signals(engine)
    try:
        # What an agent prints must not get between outputs, or into a summary, on stdout.
        with signals, endpoint or nullcontext(), redirect_stdout(sys.stderr):
            engine.run(source)
    finally:
        watch.counted(engine.result)
    if lines is not None and lines.error is not None:
        raise InputError(lines.error)
    return engine.result, signals.received


def _stdout() -> Any:
    # Texts may hold lone surrogates: what no encoding has is written as JSON's own escape.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    return sys.stdout


class _Tee(Sink):
    """Passes lines on, and tells the values of the newest of them."""

    def __init__(self, inner: Sink, tell: Callable[[Sequence[Any]], None]) -> None:
        self._inner = inner
        self._tell = tell

    def write(self, lines: list[Any]) -> int:
        length = self._inner.write(lines)
        self._tell([to_jsonable(decode(line)) for line in lines[-_NEWEST:]])
        return length

    def cut(self, length: int) -> None:
        self._inner.cut(length)

    def close(self) -> None:
        self._inner.close()


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
