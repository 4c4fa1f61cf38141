"""Agents in PyFlink jobs: rows, tables, event time, dead letters, savepoints and rescaling."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta
from pathlib import Path

import pytest

pyflink = pytest.importorskip("pyflink")

from pyflink.common import Duration, Encoder, Row, Types, WatermarkStrategy  # noqa: E402
from pyflink.common.watermark_strategy import TimestampAssigner  # noqa: E402
from pyflink.datastream import ProcessFunction  # noqa: E402
from pyflink.datastream.connectors.file_system import (  # noqa: E402
    FileSink,
    FileSource,
    StreamFormat,
)

from headrace import DEAD_LETTER, Agent, Context, InputEvent, OutputEvent, action  # noqa: E402
from headrace.flink import environment, process, process_table  # noqa: E402

pytestmark = [pytest.mark.flink, pytest.mark.slow, pytest.mark.usefixtures("java")]


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


def written(folder: Path) -> list[dict]:
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            lines += path.read_text().splitlines()
    return [json.loads(line) for line in lines]


def sink(stream, folder: Path) -> None:
    encoder = Encoder.simple_string_encoder()
    stream.sink_to(FileSink.for_row_format(str(folder), encoder).build())


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
    found = sorted((row["user"], row["n"]) for row in written(tmp_path))
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
    [letter] = written(tmp_path / "dead")
    assert [row["n"] for row in written(tmp_path / "out")] == [1]
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
    found = written(tmp_path)
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
    assert written(tmp_path) == [{"user": "ann", "n": 2, "lacking": None}]


class Job:
    """An unbounded job over a folder of files, stopped with a savepoint.

    All its runs write to one folder: a FileSink goes on with the files that it left.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs = folder / "in"
        self.inputs.mkdir()

    def feed(self, name: str, values: list[dict]) -> None:
        beside = self.folder / f".{name}"
        beside.write_text("".join(json.dumps(value) + "\n" for value in values))
        beside.rename(self.inputs / name)

    def start(self, parallelism: int, savepoint: str | None, wait: float):
        options = {
            "restart-strategy.type": "disable",
            "execution.checkpointing.interval": "300ms",
            "execution.checkpointing.dir": (self.folder / "checkpoints").as_uri(),
        }
        if savepoint is not None:
            options["execution.state-recovery.path"] = savepoint
        env = environment(options)
        env.set_parallelism(parallelism)
        source = (
            FileSource.for_record_stream_format(
                StreamFormat.text_line_format(), self.inputs.as_uri()
            )
            .monitor_continuously(Duration.of_millis(100))
            .build()
        )
        lines = env.from_source(source, WatermarkStrategy.no_watermarks(), "lines").uid("lines")
        streams = process(
            lines,
            Counting(wait=wait),
            key=lambda value: value["user"],
            parse=json.loads,
            render=json.dumps,
            output_type=Types.STRING(),
        )
        sink(streams.output, self.folder / "out")
        return env.execute_async()

    def await_outputs(self, count: int) -> list[dict]:
        """Waits until so many outputs are written (a deadline, no fixed sleep)."""
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            found = written(self.folder / "out")
            if len(found) >= count:
                return found
            time.sleep(0.05)
        raise AssertionError(f"{len(found)} of {count} outputs came in 90 s: {found[:3]}")

    def stop(self, client) -> str:
        target = (self.folder / "savepoints").as_uri()
        from pyflink.datastream.checkpointing_mode import CheckpointingMode  # noqa: F401
        from pyflink.java_gateway import get_gateway

        form = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType.CANONICAL
        return client._j_job_client.stopWithSavepoint(False, target, form).get()


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_memory_and_waiting_inputs_survive_a_savepoint_and_rescaling(tmp_path, before, after):
    users = [f"u{number}" for number in range(200)]
    job = Job(tmp_path)
    job.feed("a", [{"user": user} for user in users])
    first = job.start(before, None, 0.0)
    job.await_outputs(len(users))
    savepoint = job.stop(first)
    job.feed("b", [{"user": user} for user in users for _ in range(2)])
    second = job.start(after, savepoint, 0.01)
    found = job.await_outputs(3 * len(users))
    second.cancel().result()
    assert {user: sorted(row["n"] for row in found if row["user"] == user) for user in users} == {
        user: [1, 2, 3] for user in users
    }


def test_inputs_that_wait_at_a_savepoint_are_run_after_it(tmp_path):
    job = Job(tmp_path)
    job.feed("a", [{"user": "quick"}, {"user": "slow"}, {"user": "slow"}])
    first = job.start(1, None, 3600.0)
    # The runs wait for an hour: nothing of them is written before the savepoint.
    deadline = time.monotonic() + 60
    while not list((tmp_path / "checkpoints").rglob("_metadata")):
        assert time.monotonic() < deadline, "no checkpoint completed while runs waited"
        time.sleep(0.05)
    savepoint = job.stop(first)
    second = job.start(1, savepoint, 0.0)
    found = job.await_outputs(3)
    second.cancel().result()
    assert sorted((row["user"], row["n"]) for row in found) == [
        ("quick", 1),
        ("slow", 1),
        ("slow", 2),
    ]
