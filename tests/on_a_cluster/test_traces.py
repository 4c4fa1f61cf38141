"""Traces and metrics that leave a job of a zip on a cluster, whose workers have no packages."""

from __future__ import annotations

import pytest

from headrace_registry.clusters import ClusterSpec

from .conftest import opened, own_name, wait_until

pytest.importorskip("opentelemetry")  # the environments of other releases of Flink lack it
from ..plugins.otel.conftest import collecting  # noqa: TID252 - tests are no package

pytestmark = [pytest.mark.slow, pytest.mark.flink]
SOURCE = '''
import json

from pyflink.common import Types

from headrace import Agent, Context, InputEvent, OutputEvent, action
from headrace.flink import process
from headrace.jobs import job


async def asked(what):
    return f"{what}!"


class Desk(Agent):
    """Says what it is told when it asks."""

    @action(InputEvent)
    async def hear(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=await ctx.call(asked, event.input)))


def whole(value):
    return value


@job(Desk(), name="desk")
def desk(env, plans):
    stream = env.from_collection(["plums", "pears"], Types.STRING())
    process(
        stream, plans["Desk"], key=whole, render=json.dumps, output_type=Types.STRING()
    ).output.print()
'''


@pytest.fixture(scope="module")
def collector(kit, zips):
    """A collector that the cluster's variables name, when the job has ended."""
    zip_ = zips.build(SOURCE, "jobs:desk", requires=("headrace-otel",))
    with collecting() as found:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": found.url, "NO_PROXY": "127.0.0.1"}
        spec = ClusterSpec(name=own_name("traced"), slots=1, memory="768m", environment=variables)
        with opened(kit, spec) as site:
            site.agents(
                *("submit", zip_),
                *("--set", "traces.export=otel", "--set", "metrics.export=otel"),
            )
            wait_until(lambda: len(found.spans) >= 6 and found.metrics, "traces and metrics")
            yield found


def test_each_run_is_a_trace_with_its_action_and_its_call(collector):
    traces = [sorted((one.name for one in spans), key=len) for spans in collector.traces.values()]

    assert traces == [["action hear", "call jobs:asked", "invoke_agent Desk"]] * 2


def test_its_metrics_are_sent_too(collector):
    names = {
        metric.name
        for group in collector.metrics[-1].resource_metrics
        for scope in group.scope_metrics
        for metric in scope.metrics
    }

    assert {"headrace.runs", "headrace.call"} <= names
