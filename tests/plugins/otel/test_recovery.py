"""A run that is run again after a crash goes on with its trace, and has no span twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FOLDERS = (HERE / "workers", HERE.parents[1] / "core/workers")
LOCAL = """
import sys
from otel_agents import Dying
from headrace import AgentPlan, RuntimeConfig
from headrace.eventlog import TraceSettings
from headrace.local import IterableSource, ListSink, LocalEngine

folder, *inputs = sys.argv[1:]
plan = AgentPlan.from_agent(Dying(folder=folder))
config = RuntimeConfig(traces=TraceSettings(export="otel"))
outputs = ListSink()
engine = LocalEngine(
    plan.model_copy(update={"config": config}),
    key=lambda value: value["do"], state=f"{folder}/state.db", output=outputs,
)
engine.run(IterableSource([{"do": one} for one in inputs]))
print(outputs.values)
"""
FLINK = """
import sys, json
from pathlib import Path
from flink_jobs import Job
from recovery_agents import Recovering
from headrace import RuntimeConfig
from headrace.eventlog import TraceSettings
from headrace.metrics import MetricsSettings

folder = Path(sys.argv[1])
Recovering.config = RuntimeConfig(
    traces=TraceSettings(export="otel"), metrics=MetricsSettings(export="otel", flink=False)
)
job = Job(folder)
job.feed("in", [{"key": "k", "n": 0, "do": "fail"}])
client = job.start(
    Recovering(folder=str(folder)),
    key=lambda value: value["key"],
    options={
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "1",
        "restart-strategy.fixed-delay.delay": "10ms",
    },
)
print(json.dumps(job.await_outputs(lambda found: len(found) >= 1, 120)))
client.cancel().result()
"""


def wait_for(what, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


@pytest.fixture
def environment(collector, monkeypatch):
    """That of a job in a process of its own."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "100")
    paths = [*map(str, FOLDERS), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def test_a_process_that_was_killed_and_its_successor_make_one_trace(
    collector, environment, tmp_path
):
    command = [sys.executable, "-c", LOCAL, str(tmp_path)]
    first = subprocess.Popen([*command, "pears"], env=environment)
    try:
        wait_for(lambda: collector.named("call otel_agents:weighed"))
    finally:
        first.kill()
        first.wait()
    (tmp_path / "killed").touch()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert done.stdout == "[[5, 11]]\n", done.stderr
    [spans] = collector.traces.values()
    assert Counter(one.name for one in spans) == {
        "call otel_agents:weighed": 2,
        "action go": 1,
        "invoke_agent Dying": 1,
    }
    before, after = collector.named("call otel_agents:weighed")
    [action], [agent] = collector.named("action go"), collector.named("invoke_agent Dying")
    assert before.resource["process.pid"] != after.resource["process.pid"]
    assert {before.parent, after.parent} == {action.id}
    assert action.parent == agent.id
    [reused] = [told for name, told in action.events if name == "headrace.reused"]
    assert reused["headrace.name"] == "otel_agents:weighed"
    assert reused["headrace.span_id"] == before.id
    assert agent.attributes["headrace.replayed"] is True


@pytest.mark.flink
@pytest.mark.slow
def test_a_job_on_flink_that_failed_and_recovered_makes_one_trace(collector, environment, tmp_path):
    pytest.importorskip("pyflink")
    done = subprocess.run(
        [sys.executable, "-c", FLINK, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert [one["count"] for one in json.loads(done.stdout.splitlines()[-1])] == [1]
    wait_for(lambda: [one for one in collector.named("invoke_agent Recovering") if not one.status])
    [spans] = collector.traces.values()
    [call] = collector.named("call recovery_agents:effect")
    ended = [one for one in collector.named("action fail") if not one.status]
    assert len({one.resource["headrace.attempt"] for one in spans}) == 2
    assert {one.id for one in ended} == {call.parent}
    marks = [told for one in ended for name, told in one.events if name == "headrace.reused"]
    assert [told["headrace.span_id"] for told in marks] == [call.id]
    sent = {
        metric.name
        for request in collector.metrics
        for group in request.resource_metrics
        for scope in group.scope_metrics
        for metric in scope.metrics
    }
    assert {"headrace.runs_started", "headrace.actions", "headrace.calls"} <= sent
