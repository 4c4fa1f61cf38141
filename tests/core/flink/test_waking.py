"""After a restore every shard of a worker has its turn, whatever timers the checkpoint has."""

from __future__ import annotations

import json
import time

import pytest

pytest.importorskip("pyflink")

from flink_jobs import Job
from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction
from recovery_agents import Recovering, note, notes

from headrace.flink import environment
from headrace.flink._waking import own_shards

pytestmark = [pytest.mark.flink, pytest.mark.slow, pytest.mark.usefixtures("java")]

SHARDS = 1000
KEYS = 60


class Owner(KeyedProcessFunction):
    """Says of each shard whether it is one of those that its worker takes for its own."""

    def open(self, runtime_context):
        self.own = set(own_shards(runtime_context, SHARDS))

    def process_element(self, value, ctx):
        yield json.dumps(value in self.own)


def test_a_worker_knows_which_shards_flink_gives_it():
    env = environment()
    env.set_parallelism(3)
    shards = env.from_collection(list(range(SHARDS)), Types.INT())
    owned = shards.key_by(lambda shard: shard, Types.INT()).process(Owner(), Types.STRING())
    with owned.execute_and_collect() as told:
        assert list(told) == ["true"] * SHARDS


def test_shards_whose_first_inputs_came_just_before_a_savepoint_are_run_after_it(tmp_path):
    job, agent = Job(tmp_path), Recovering(folder=str(tmp_path))
    job.feed("a", [{"key": f"k{n}", "do": "call until", "line": "go"} for n in range(KEYS)])
    # All inputs in one bundle, which the savepoint's barrier ends.
    options = {
        "python.fn-execution.bundle.time": "1000",
        "execution.checkpointing.interval": "10ms",
    }
    first = job.start(agent, key=by_key, options=options)
    deadline = time.monotonic() + 60
    while not notes(tmp_path):
        assert time.monotonic() < deadline, "no run began"
        time.sleep(0.001)
    savepoint = job.stop(first)
    note(tmp_path, "go")
    second = job.start(agent, key=by_key, savepoint=savepoint)
    outputs = job.await_outputs(lambda found: len(found) >= KEYS)
    second.cancel().result()
    assert len({output["key"] for output in outputs}) == len(outputs) == KEYS


def by_key(value):
    return value["key"]
