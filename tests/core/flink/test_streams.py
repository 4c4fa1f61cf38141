"""Agents in PyFlink jobs: rows, tables, event time, dead letters, savepoints and rescaling."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta

import pytest

pyflink = pytest.importorskip("pyflink")

from flink_jobs import Job, committed, sink  # noqa: E402
from pyflink.common import Duration, Row, Types, WatermarkStrategy  # noqa: E402
from pyflink.common.watermark_strategy import TimestampAssigner  # noqa: E402
from pyflink.datastream import ProcessFunction  # noqa: E402
from recovery_agents import Recovering, last_checkpoint, note, notes  # noqa: E402

from headrace import (  # noqa: E402
    DEAD_LETTER,
    Agent,
    AgentPlan,
    Context,
    InputEvent,
    OutputEvent,
    RuntimeConfig,
    action,
)
from headrace.flink import environment, process, process_table  # noqa: E402

pytestmark = [
    pytest.mark.flink,
    pytest.mark.slow,
    pytest.mark.smoke,
    pytest.mark.usefixtures("java"),
]


class Counting(Agent):
    """Counts the inputs of each key; waits on the way where it is told to."""

    wait: float = 0.0

    @action(InputEvent, on_failure=DEAD_LETTER)
    async def count(self, event: InputEvent, ctx: Context) -> None:
        if event.input.get("poison"):
            raise ValueError("a poisoned input")
        ctx.short_term["n"] = n = ctx.short_term.get("n", 0) + 1
        if self.wait:
            await asyncio.sleep(self.wait)
        ctx.send(OutputEvent(output={"user": event.input["user"], "n": n, "time": ctx.timestamp}))


class AtTime(TimestampAssigner):
    def extract_timestamp(self, value, record_timestamp):
        return value[1]


class Stamped(ProcessFunction):
    """Gives each element with its timestamp in Flink."""

    def process_element(self, value, ctx):
        yield json.dumps({**value, "stamp": ctx.timestamp()})


def rows(env, *values):
    kind = Types.ROW_NAMED(
        ["user", "at", "poison"], [Types.STRING(), Types.LONG(), Types.BOOLEAN()]
    )
    return env.from_collection([Row(*value) for value in values], kind)


@pytest.fixture
def env():
    made = environment({"restart-strategy.type": "disable"})
    made.set_parallelism(1)
    return made


def test_rows_are_mappings_to_an_agent(env, tmp_path):
    stream = rows(env, ("ann", 1, False), ("bob", 2, False), ("ann", 3, False))
    streams = process(
        stream,
        Counting(),
        key=lambda value: value["user"],
        render=json.dumps,
        output_type=Types.STRING(),
    )
    sink(streams.output, tmp_path)
    env.execute()
    found = sorted((row["user"], row["n"]) for row in committed(tmp_path))
    assert found == [("ann", 1), ("ann", 2), ("bob", 1)]


def test_dead_letters_leave_by_their_own_stream(env, tmp_path):
    stream = rows(env, ("ann", 1, True), ("ann", 2, False))
    streams = process(
        stream,
        Counting(),
        key=lambda value: value["user"],
        render=json.dumps,
        output_type=Types.STRING(),
    )
    sink(streams.output, tmp_path / "out")
    sink(streams.dead_letters.map(json.dumps, Types.STRING()), tmp_path / "dead")
    env.execute()
    [letter] = committed(tmp_path / "dead")
    assert [row["n"] for row in committed(tmp_path / "out")] == [1]
    assert (letter["key"], letter["input"]["at"], letter["error"]) == (
        "ann",
        1,
        "ValueError: a poisoned input",
    )


@pytest.mark.parametrize("wait", [0.0, 0.03], ids=["at once", "after waiting"])
def test_outputs_carry_their_inputs_event_time(env, tmp_path, wait):
    stream = rows(env, *((f"u{number}", 1000 * number, False) for number in range(1, 40)))
    timed = stream.assign_timestamps_and_watermarks(
        WatermarkStrategy.for_bounded_out_of_orderness(
            Duration.of_millis(1)
        ).with_timestamp_assigner(AtTime())
    )
    streams = process(
        timed,
        Counting(wait=wait),
        key=lambda value: value["user"],
        out_of_order=timedelta(seconds=30),
    )
    sink(streams.output.process(Stamped(), Types.STRING()), tmp_path)
    env.execute()
    found = committed(tmp_path)
    assert len(found) == 39
    assert [row for row in found if row["stamp"] != row["time"]] == []
    assert {row["user"]: row["stamp"] for row in found}["u7"] == 7000


def test_a_table_goes_in_and_a_table_comes_out(env, tmp_path):
    from pyflink.table import StreamTableEnvironment

    tables = StreamTableEnvironment.create(env)
    table = tables.from_data_stream(rows(env, ("ann", 1, False), ("ann", 2, False)))
    made = process_table(
        tables,
        table,
        Counting(),
        key="user",
        output={"user": Types.STRING(), "n": Types.INT(), "lacking": Types.STRING()},
    )
    sink(
        tables.to_data_stream(made.filter(made.n > 1)).map(
            lambda row: json.dumps(row.as_dict()), Types.STRING()
        ),
        tmp_path,
    )
    env.execute()
    assert committed(tmp_path) == [{"user": "ann", "n": 2, "lacking": None}]


def by_user(value):
    return value["user"]


def by_key(value):
    return value["key"]


def await_that(holds):
    """Waits for an event, at most for a minute."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_memory_and_waiting_inputs_survive_a_savepoint_and_rescaling(tmp_path, before, after):
    users = [f"u{number}" for number in range(200)]
    job = Job(tmp_path)
    job.feed("a", [{"user": user} for user in users])
    first = job.start(Counting(), key=by_user, parallelism=before)
    job.await_outputs(lambda found: len(found) >= len(users))
    savepoint = job.stop(first)
    job.feed("b", [{"user": user} for user in users for _ in range(2)])
    second = job.start(Counting(wait=0.01), key=by_user, parallelism=after, savepoint=savepoint)
    found = job.await_outputs(lambda found: len(found) >= 3 * len(users))
    second.cancel().result()
    assert {user: sorted(row["n"] for row in found if row["user"] == user) for user in users} == {
        user: [1, 2, 3] for user in users
    }


def test_inputs_that_wait_at_a_savepoint_are_run_after_it(tmp_path):
    agent = Recovering(folder=str(tmp_path))
    job = Job(tmp_path)
    waiting = {"key": "slow", "do": "call until", "line": "release"}
    job.feed("a", [{"key": "quick", "do": "quick"}, waiting, {"key": "slow", "do": "quick"}])
    first = job.start(agent, key=by_key)
    await_that(lambda: "called begun slow" in notes(tmp_path))
    begun = last_checkpoint(tmp_path)
    await_that(lambda: last_checkpoint(tmp_path) >= begun + 3)  # runs hold no checkpoint back
    savepoint = job.stop(first)
    note(tmp_path, "release")
    second = job.start(agent, key=by_key, savepoint=savepoint)
    found = job.await_outputs(lambda found: len(found) >= 3)
    second.cancel().result()
    assert [(row["key"], row["count"]) for row in found] == [
        ("quick", 1),
        ("slow", 1),
        ("slow", 2),
    ]


def test_a_worker_with_other_versions_than_the_plan_fails_the_job_with_both(env, tmp_path):
    plan = AgentPlan.from_agent(Counting()).model_copy(update={"core_version": "9.9"})
    stream = rows(env, ("ann", 1, False))
    sink(process(stream, plan, key=by_user).output.map(str, Types.STRING()), tmp_path)

    with pytest.raises(Exception, match=r"WorkerMismatchError") as failed:
        env.execute()

    assert "headrace-core: the plan needs 9.9, this worker has 0.1.0" in str(failed.value)


def uid(agent, **more):
    """By which state of an agent is found in a savepoint."""
    stream = environment().from_collection(["a"], Types.STRING())
    streams = process(stream, agent, key=str, **more)
    return streams.output._j_data_stream.getTransformation().getUid()


def test_state_is_found_again_by_the_jobs_identity_though_the_agent_was_renamed():
    class_name = AgentPlan.from_agent(Counting())
    renamed = class_name.model_copy(
        update={"name": "Renamed", "config": RuntimeConfig(job="Counting")}
    )

    assert uid(renamed) == uid(class_name) == "headrace-Counting"
