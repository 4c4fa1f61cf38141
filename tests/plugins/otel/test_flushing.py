"""What leaves at the end of a bounded input, while the job is still waited for."""

from __future__ import annotations

import pytest
from log_agents import Silent

from headrace import AgentPlan, RuntimeConfig
from headrace.eventlog import EventLog, TraceSettings, open_log
from headrace.metrics import Metrics, MetricsSettings
from headrace.metrics._export import open_export


@pytest.fixture
def plan(collector):
    made = AgentPlan.from_agent(Silent())
    config = RuntimeConfig(
        traces=TraceSettings(export="otel"), metrics=MetricsSettings(export="otel")
    )
    return made.model_copy(update={"config": config})


def test_spans_leave_though_the_log_is_not_closed(plan, collector):
    log = open_log(plan)
    told = (1.0, 1, "action", "finished", "go", "0.0", "", 1, 0.1, None, None, None, False)
    log.take(("r-1", "k", 0, None, False, [EventLog.packed(told)], 0.0))
    log.flush(30)
    names = [one.name for one in collector.spans]
    log.close()

    assert names == ["action go"]


def test_metrics_leave_though_their_export_is_not_closed(plan, collector):
    metrics = Metrics()
    metrics.family("headrace_runs_total", "meter", ("agent",), "Runs.").cell("Silent").number += 1
    export = open_export(plan, metrics, {}, {})
    export.flush()
    count = len(collector.metrics)
    export.close()

    assert (count, len(collector.metrics)) == (1, 2)
