"""Records in, spans out: one trace for each run that is sampled."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    format_span_id,
    set_span_in_context,
)

from headrace_otel._content import content_of
from headrace_otel._ids import span_id, trace_id
from headrace_otel._shapes import ROOT, Mark, Owner, Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider

__all__ = ["GivenIds", "TraceSink"]

CONTENT: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""The conventions' own variable that asks for content."""
_LOW = TraceIdRatioBased.TRACE_ID_LIMIT  # the part of a trace's id that decides
_OWNERS = 10_000  # spans that are not over, and have events
_MARKS = 128  # of one span, as many as the SDK's limit lets through
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_KINDS = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}
_BAD = {"failed", "dead_letter", "skipped"}


class GivenIds(IdGenerator):
    """Gives the ids that are wanted for the next span."""

    def __init__(self) -> None:
        self.trace = self.span = 1

    def generate_trace_id(self) -> int:
        """The trace's."""
        return self.trace

    def generate_span_id(self) -> int:
        """The span's."""
        return self.span


class TraceSink:
    """Makes spans of records; a ``RecordSink``.

    Args:
        provider: The SDK's, with ``ids`` as its generator.
        ids: Told the ids of the next span.
        models: Of chat models, by the name that records have, the plugin and the model asked for.
        content: Whether spans hold what was said and given.
        sample: The share of runs that ``provider`` samples by their ids, where it is known: what
            the sampler would say is then said at once, for most runs are asked about in vain.
        flush: Has the spans exported, in so many seconds.
        end: The same, for the last time.
    """

    def __init__(
        self,
        provider: TracerProvider,
        ids: GivenIds,
        *,
        models: Mapping[str, Mapping[str, str]],
        content: bool,
        sample: float | None,
        flush: Callable[[float], None],
        end: Callable[[float], None],
    ) -> None:
        self._ids = ids
        self._bound = None if sample is None else TraceIdRatioBased(sample).bound
        self._sampler = provider.sampler
        self._tracer = provider.get_tracer("headrace")
        self._models = models
        self._content = content or os.environ.get(CONTENT, "").lower() in {"true", "1"}
        self._flush = flush
        self._end = end
        self._marks: OrderedDict[tuple[str, Owner], list[tuple[int, Mark]]] = OrderedDict()

    def wants(self, run: str, trace: str | None) -> bool:
        """Whether the sampler takes a run: by its id, or as what asked for it says."""
        if trace is None and self._bound is not None:
            return trace_id(run) & _LOW < self._bound
        parent = _given(trace)
        made = self._sampler.should_sample(
            _context(parent),
            trace_id(run) if parent is None else parent.trace_id,
            "invoke_agent",
        )
        return made.decision is Decision.RECORD_AND_SAMPLE

    def take(self, record: Mapping[str, Any]) -> None:
        """Makes what is to be made of a record."""
        shape = shape_of(record, self._models)
        if shape is None:
            return
        if isinstance(shape, Mark):
            self._keep(record, shape)
        else:
            self._span(record, shape)

    def flush(self, seconds: float) -> None:
        """Has what there is exported."""
        self._flush(seconds)

    def close(self, seconds: float) -> None:
        """Has what is left exported."""
        self._end(seconds)

    def _keep(self, record: Mapping[str, Any], mark: Mark) -> None:
        """Keeps an event until its span is over."""
        marks = self._marks.setdefault((record["run"], mark.owner), [])
        if len(marks) < _MARKS:
            marks.append((_nanoseconds(record["time"]), mark))
        if len(self._marks) > _OWNERS:
            self._marks.popitem(last=False)

    def _span(self, record: Mapping[str, Any], shape: Shape) -> None:
        run = record["run"]
        given = _given(record.get("trace"))
        self._ids.trace = trace_id(run) if given is None else given.trace_id
        self._ids.span = span_id(run, *shape.own)
        parent = given
        if shape.parent is not None:
            parent = SpanContext(
                self._ids.trace,
                span_id(run, *shape.parent),
                is_remote=False,
                trace_flags=TraceFlags(TraceFlags.SAMPLED),
            )
        ended = _nanoseconds(record["time"])
        attributes = dict(shape.attributes)
        if self._content:
            attributes |= content_of(record)
        span = self._tracer.start_span(
            shape.name,
            context=_context(parent),
            kind=_KINDS[shape.kind],
            attributes=attributes,
            start_time=min(_nanoseconds(record.get("start", record["time"])), ended),
        )
        for time, mark in self._marks.pop((run, shape.own), ()):
            about = dict(mark.attributes)
            if mark.of is not None:
                about["headrace.span_id"] = format_span_id(span_id(run, *mark.of))
            span.add_event(mark.name, about, timestamp=time)
        if record["what"] in _BAD:
            span.set_status(Status(StatusCode.ERROR, record.get("error")))
        span.end(end_time=ended)
        if shape.own == ROOT:
            self._forget(run)

    def _forget(self, run: str) -> None:
        """Drops events of spans that are not told of any more: their run is over."""
        for whose in [one for one in self._marks if one[0] == run]:
            del self._marks[whose]


def _context(parent: SpanContext | None) -> Context:
    from opentelemetry.context import Context

    empty = Context()
    return empty if parent is None else set_span_in_context(NonRecordingSpan(parent), empty)


def _given(trace: str | None) -> SpanContext | None:
    """The trace context that came with an input."""
    found = None if trace is None else _TRACE.fullmatch(trace)
    if found is None:
        return None
    flags = TraceFlags(int(found[3], 16))
    return SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=flags)


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e6) * 1000
