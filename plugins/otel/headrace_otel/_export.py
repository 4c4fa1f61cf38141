"""The SDK as the job's settings and the ``OTEL_*`` variables set it up, and what is lost of it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from headrace_otel._sink import GivenIds, TraceSink

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.eventlog import SinkOpening

__all__ = ["Counted", "open_traces", "resource_of", "warn_by"]


def open_traces(opening: SinkOpening) -> TraceSink:
    """A sink whose spans go to the collector that the ``OTEL_*`` variables name."""
    warn_by(opening.say)
    sample = opening.traces.get("sample")
    ids = GivenIds()
    provider = TracerProvider(
        sampler=None if sample is None else ParentBased(TraceIdRatioBased(sample)),
        resource=resource_of(opening),
        id_generator=ids,
        shutdown_on_exit=False,
    )
    counted = Counted(OTLPSpanExporter())
    provider.add_span_processor(counted)
    provider.add_span_processor(BatchSpanProcessor(counted.exporter))

    def within(seconds: float, do: Callable[[], object]) -> None:
        # A thread, for not every version of the SDK keeps to a time-out.
        thread = threading.Thread(target=do, daemon=True)
        thread.start()
        thread.join(seconds)

    def flush(seconds: float) -> None:
        within(seconds, provider.force_flush)

    def end(seconds: float) -> None:
        within(seconds, provider.shutdown)
        if counted.lost:
            opening.say(f"otel: {counted.lost} of {counted.ended} spans were not exported")

    return TraceSink(
        provider,
        ids,
        models=opening.models,
        content=bool(opening.traces.get("content")),
        sample=sample,
        flush=flush,
        end=end,
    )


def resource_of(opening: SinkOpening) -> Resource:
    """What exports what is exported; ``OTEL_SERVICE_NAME`` and the like win."""
    about = opening.about
    own: dict[str, Any] = {
        "service.name": opening.identity,
        "service.namespace": "headrace",
        "service.instance.id": f"{about.get('host')}-{about.get('process')}",
        "host.name": about.get("host"),
        "process.pid": about.get("process"),
        "headrace.agent": opening.agent,
        "headrace.job": opening.identity,
        "headrace.plan": about.get("plan"),
        "headrace.task": about.get("task"),
        "headrace.subtask": about.get("subtask"),
        "headrace.attempt": about.get("attempt"),
    }
    named = Resource.create({name: value for name, value in own.items() if value is not None})
    return named.merge(_of_environment())


def _of_environment() -> Resource:
    from opentelemetry.sdk.resources import OTELResourceDetector

    return OTELResourceDetector().detect()


class Counted(SpanProcessor):
    """Counts the spans that ended, and those of them that the exporter has delivered."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.ended = 0
        self.delivered = 0
        self.exporter: SpanExporter = _Counting(exporter, self)

    @property
    def lost(self) -> int:
        """Spans that were not delivered."""
        return self.ended - self.delivered

    def on_end(self, span: ReadableSpan) -> None:  # noqa: ARG002 - the SDK's
        """Counts one."""
        self.ended += 1


class _Counting(SpanExporter):
    def __init__(self, exporter: SpanExporter, counted: Counted) -> None:
        self._exporter = exporter
        self._counted = counted

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._counted.delivered += len(spans)
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def warn_by(say: Callable[[str], None]) -> None:
    """Passes on what the SDK warns of: a collector that is away, a queue that is full.

    Each place of the SDK's code is passed on once: what differs is an address or a time to wait.
    """
    logger = logging.getLogger("opentelemetry")
    for handler in [one for one in logger.handlers if isinstance(one, _Saying)]:
        logger.removeHandler(handler)
    logger.addHandler(_Saying(say))
    logger.propagate = False


class _Saying(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = say
        self._said: set[tuple[str, int]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        place = (record.pathname, record.lineno)
        if place not in self._said:
            self._said.add(place)
            self._say(f"otel: {record.getMessage()}")
