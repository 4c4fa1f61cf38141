"""On a cluster: its own configuration as a layer, and what actions log."""

from __future__ import annotations

import json

import pytest

from headrace_registry.clusters import ClusterSpec

from .conftest import opened, own_name, read_lines, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.flink]
SOURCE = '''
import json
import logging

from pyflink.common import Encoder, Types
from pyflink.datastream.connectors.file_system import FileSink

from headrace import Agent, Context, InputEvent, OutputEvent, action
from headrace.flink import process
from headrace.jobs import job


class Desk(Agent):
    """Tells what it is told by the configuration."""

    @action(InputEvent)
    async def tell(self, event: InputEvent, ctx: Context) -> None:
        logging.getLogger("desk").info("heard %s", event.input)
        ctx.send(OutputEvent(output=dict(ctx.config)))


def whole(value):
    return value


@job(Desk(), name="desk")
def desk(env, plans):
    settings = env._j_stream_execution_environment.getConfiguration()
    stream = env.from_collection(["a"], Types.STRING())
    streams = process(
        stream, plans["Desk"], key=whole, render=json.dumps, output_type=Types.STRING()
    )
    streams.output.sink_to(
        FileSink.for_row_format(
            settings.getString("demo.output", None), Encoder.simple_string_encoder()
        ).build()
    )
'''


@pytest.fixture(scope="module")
def ran(kit, zips, tmp_path_factory):
    """A job on a cluster whose configuration says values; what it put out, and the logs."""
    folder = tmp_path_factory.mktemp("out")
    said = {"headrace.values.tenant": "acme", "headrace.values.region": "eu"}
    spec = ClusterSpec(name=own_name("settled"), slots=1, memory="768m", settings=said)
    with opened(kit, spec) as site:
        site.agents(
            *("submit", zips.build(SOURCE, "jobs:desk")),
            *("--set", f"demo.output={folder}", "--set", "values.region=us"),
        )
        (job,) = (one.id for one in site.rest.jobs() if one.name == "desk")
        logs = []

        def logged():
            logs.append(site.agents("jobs", "logs", job, "--python").stdout)
            return "heard a" in logs[-1]

        wait_until(logged, "the action's line in the log")
        return read_lines(folder), logs[-1]


def test_a_clusters_own_configuration_says_what_nobody_else_says(ran):
    [line] = ran[0]

    assert json.loads(line) == {"tenant": "acme", "region": "us"}


def test_actions_log_to_the_taskmanager_with_their_key_and_run(ran):
    [line] = [one for one in ran[1].splitlines() if "heard a" in one]

    assert '[Desk.tell key="a" run=' in line


def test_a_worker_logs_which_agent_it_runs_and_what_that_is_for(ran):
    assert "the agent Desk runs here (Tells what it is told by the configuration.)" in ran[1]
