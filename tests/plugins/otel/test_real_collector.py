"""A collector of the OpenTelemetry project takes what is sent.

It is built with Go from the project's own modules, whose versions and digests are beside it. Where
there is no Go, or the modules cannot be had, this is skipped: the other tests read what is sent by
the protocol's official types.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from filelock import FileLock
from log_agents import LogDesk

from headrace.metrics import MetricsSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SOURCE = Path(__file__).parent / "collector"
CONFIG = """
receivers:
  otlp:
    protocols:
      http: {{endpoint: "127.0.0.1:{port}"}}
exporters:
  file: {{path: "{out}", flush_interval: 50ms}}
service:
  telemetry:
    metrics: {{level: none}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [file]}}
    metrics: {{receivers: [otlp], exporters: [file]}}
"""


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go to build a collector with")
    made = tmp_path_factory.getbasetemp().parent / "otel-collector" / "collector"
    made.parent.mkdir(exist_ok=True)
    with FileLock(f"{made}.lock"):
        if not made.exists():
            command = [go, "build", "-mod=readonly", "-o", str(made), "."]
            done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"the collector cannot be built: {done.stderr[-500:]}")
    return made


def started(program, folder):
    """A collector that is ready, with its port; ``None``: somebody else took that."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "config.yaml").write_text(CONFIG.format(port=port, out=folder / "out.jsonl"))
    with (folder / "said").open("w") as said:
        command = [str(program), "--config", f"file:{folder / 'config.yaml'}"]
        process = subprocess.Popen(command, stdout=said, stderr=said)
    deadline = time.monotonic() + 60
    while "Everything is ready" not in (folder / "said").read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            assert "address already in use" in (folder / "said").read_text()
            return None
        time.sleep(0.05)
    return process, port


@pytest.fixture
def written(run, program, tmp_path, monkeypatch):
    """Starts the collector; ends it, and gives what it has written."""
    process, port = next(filter(None, (started(program, tmp_path) for _ in range(5))))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")

    def written():
        process.terminate()
        process.wait(30)
        lines = (tmp_path / "out.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    yield written
    process.kill()
    process.wait()


def test_it_takes_traces_and_metrics_as_they_are(run, written):
    plan_metrics = LogDesk.config.model_copy(update={"metrics": MetricsSettings(export="otel")})
    before, LogDesk.config = LogDesk.config, plan_metrics
    try:
        run(LogDesk(), {"do": "lamp"}, content=True)
    finally:
        LogDesk.config = before
    told = written()

    spans = [
        span
        for one in told
        for resource in one.get("resourceSpans", ())
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    assert len({span["traceId"] for span in spans}) == 1
    assert sorted(span["name"] for span in spans) == [
        "action order",
        "action tell",
        "call log_agents:stamped",
        "chat clerk",
        "chat clerk",
        "execute_tool price",
        "invoke_agent LogDesk",
    ]
    metrics = {
        metric["name"]
        for one in told
        for resource in one.get("resourceMetrics", ())
        for scope in resource["scopeMetrics"]
        for metric in scope["metrics"]
    }
    assert {"gen_ai.client.token.usage", "gen_ai.client.operation.duration"} <= metrics
