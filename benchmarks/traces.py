"""What OpenTelemetry traces cost a job, at a share of one run in a hundred and of all."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from bench_agents import Identity
from figures import Figure, alternating
from local_speed import inputs

from headrace import AgentPlan
from headrace.eventlog import TraceSettings
from headrace.local import IterableSource, ListSink, LocalEngine

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["measure"]


@contextmanager
def collector() -> Iterator[None]:
    """Takes what comes, and reads nothing of it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
        try:
            yield
        finally:
            del os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
            server.shutdown()


def identity(count: int, sample: float | None) -> float:
    """Events a second of the identity agent, while it runs; ``None``: it has no traces."""
    plan = AgentPlan.from_agent(Identity())
    if sample is not None:
        traces = TraceSettings(export="otel", sample=sample)
        plan = plan.model_copy(update={"config": plan.config.model_copy(update={"traces": traces})})
    outputs = ListSink()
    engine = LocalEngine(plan, key=lambda value: value["k"], output=outputs)
    values = inputs(count)
    began = time.perf_counter()
    engine.run(IterableSource(values))
    seconds = time.perf_counter() - began
    assert len(outputs.values) == count
    return count / seconds


def measure(*, quick: bool) -> list[Figure]:
    """The identity agent without traces, with one of a hundred, and with all of them."""
    rounds, count = (3, 100_000) if quick else (7, 400_000)
    shares = {"none": None, "1 %": 0.01, "100 %": 1.0}
    with collector():
        speed, seen = alternating(
            rounds,
            {name: lambda share=share: identity(count, share) for name, share in shares.items()},
        )
    return [
        Figure(
            f"local, identity, traces of {name} of the runs",
            speed[name],
            "events/s",
            "no traces",
            speed["none"],
            target=target,
            rounds=seen,
        )
        for name, target in (("1 %", 0.9), ("100 %", None))
    ]
