"""A collector on loopback, which reads what it is sent by the protocol's official types."""

from __future__ import annotations

import gzip
import os
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from headrace import AgentPlan
from headrace.eventlog import LogSettings, TraceSettings
from headrace.local import IterableSource, ListSink, LocalEngine

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = [Path(__file__).parents[2] / "core/workers", Path(__file__).parent / "workers"]
for folder in map(str, FOLDERS):
    if folder not in sys.path:
        sys.path.insert(0, folder)


@dataclass
class Span:
    """A span as it was sent."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    start: int
    end: int
    status: int
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    resource: dict[str, Any] = field(repr=False)


class Collector:
    """What was exported."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.metrics: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.busy = 0
        """How many requests are told to come again, first."""
        self.held = threading.Event()
        """Answers wait for it."""
        self.held.set()
        self.url = ""

    @property
    def traces(self) -> dict[str, list[Span]]:
        """The spans of each trace."""
        found: dict[str, list[Span]] = {}
        for span in self.spans:
            found.setdefault(span.trace, []).append(span)
        return found

    def named(self, name: str) -> list[Span]:
        """The spans of a name, in the order in which they began."""
        return sorted((one for one in self.spans if one.name == name), key=lambda one: one.start)

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/metrics":
            self.metrics.append(ExportMetricsServiceRequest.FromString(body))
            return
        assert path == "/v1/traces"
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = values(group.resource.attributes)
            for scope in group.scope_spans:
                self.spans += [span_of(one, resource) for one in scope.spans]


def values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def span_of(one: Any, resource: dict[str, Any]) -> Span:
    return Span(
        one.trace_id.hex(),
        one.span_id.hex(),
        one.parent_span_id.hex(),
        one.name,
        one.kind,
        one.start_time_unix_nano,
        one.end_time_unix_nano,
        one.status.code,
        values(one.attributes),
        [(event.name, values(event.attributes)) for event in one.events],
        resource,
    )


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector for some time."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            found.held.wait(60)
            found.headers.append({name.lower(): value for name, value in self.headers.items()})
            status = found.status if not found.busy else 503
            found.busy = max(0, found.busy - 1)
            if status == 200:
                found.take(self.path, body)
            try:
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()
            except BrokenPipeError:
                pass  # who asked has gone

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield found
    finally:
        found.held.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def collector(monkeypatch):
    """A collector that the environment names."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    with collecting() as found:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield found


@pytest.fixture
def run(collector):
    """Runs an agent on the local engine, with traces; gives the outputs."""

    def run(agent, *inputs, state=None, log=None, export="otel", **traces):
        plan = AgentPlan.from_agent(agent)
        config = plan.config.model_copy(
            update={
                "traces": TraceSettings(export=export, **traces),
                "log": LogSettings(**(log or {})),
            }
        )
        outputs = ListSink()
        engine = LocalEngine(
            plan.model_copy(update={"config": config}),
            key=lambda value: value.get("do") if isinstance(value, dict) else value,
            state=state,
            output=outputs,
        )
        engine.run(IterableSource(inputs))
        return outputs.values

    return run
