"""One Flink job to be timed: ``python flink_job.py KIND EVENTS KEYS [WAIT_SECONDS]``.

KIND is ``plain`` (a KeyedProcessFunction with one ValueState, Flink's default settings), ``tuned``
(the same with large bundles and caches), ``async`` (an AsyncFunction, which has no keyed state) or
``agent`` (headrace). Each event reads and writes its key's memory once, where there is any. Every
output is counted and checked. Outputs carry the time at which they left; the rate, which is printed
as JSON, is that of all but the first fifth, so that start-up does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")])
)

from bench_agents import Counting
from pyflink.common import Configuration, Encoder, Time, Types, WatermarkStrategy
from pyflink.datastream import (
    AsyncDataStream,
    AsyncFunction,
    KeyedProcessFunction,
    RuntimeExecutionMode,
    StreamExecutionEnvironment,
)
from pyflink.datastream.connectors.file_system import FileSink, FileSource, StreamFormat
from pyflink.datastream.state import ValueStateDescriptor

from headrace.flink import SETTINGS, ensure_java, process

if TYPE_CHECKING:
    from collections.abc import Iterator

TUNED = {
    "python.fn-execution.bundle.size": "20000",
    "python.fn-execution.bundle.time": "100",
    "python.state.cache-size": "5000",
    "python.map-state.read-cache-size": "5000",
    "python.map-state.write-cache-size": "5000",
}


def dumps(value: dict[str, Any]) -> str:
    """An output, with the time."""
    return json.dumps({**value, "t": time.time()})


class PerKey(KeyedProcessFunction):  # type: ignore[misc]
    """The yardstick: what a user writes by hand."""

    def open(self, ctx: Any) -> None:
        """Gets the state."""
        self.seen = ctx.get_state(ValueStateDescriptor("seen", Types.PICKLED_BYTE_ARRAY()))

    def process_element(self, line: str, _ctx: Any) -> Iterator[str]:
        """Counts."""
        value = json.loads(line)
        count = (self.seen.value() or 0) + 1
        self.seen.update(count)
        yield dumps({**value, "n": count})


class Waiting(AsyncFunction):  # type: ignore[misc]
    """The other yardstick: waits, and keeps nothing."""

    def __init__(self, wait: float) -> None:
        self.wait = wait

    async def async_invoke(self, line: str) -> list[str]:
        """Waits."""
        value = json.loads(line)
        await asyncio.sleep(self.wait)
        return [dumps({**value, "n": 0})]


def main() -> None:
    """Runs one job."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["plain", "tuned", "async", "agent"])
    parser.add_argument("events", type=int)
    parser.add_argument("keys", type=int)
    parser.add_argument("wait", type=float, nargs="?", default=0.0)
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    options = {"plain": {}, "tuned": TUNED, "async": TUNED, "agent": dict(SETTINGS)}[given.kind]
    options |= dict(option.split("=", 1) for option in given.set)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "in").mkdir()
        with (folder / "in/events.jsonl").open("w") as file:
            file.writelines(
                json.dumps({"k": f"k{i * 7919 % given.keys}", "i": i}) + "\n"
                for i in range(given.events)
            )
        ensure_java()
        config = Configuration()
        config.set_string("python.executable", sys.executable)
        config.set_string("restart-strategy.type", "disable")
        for name, value in options.items():
            config.set_string(name, value)
        env = StreamExecutionEnvironment.get_execution_environment(config)
        env.set_runtime_mode(RuntimeExecutionMode.STREAMING)
        env.set_parallelism(1)
        source = FileSource.for_record_stream_format(
            StreamFormat.text_line_format(), (folder / "in").as_uri()
        ).build()
        lines = env.from_source(source, WatermarkStrategy.no_watermarks(), "events")
        if given.kind == "agent":
            out = process(
                lines,
                Counting(wait=given.wait),
                key=lambda value: value["k"],
                parse=json.loads,
                render=dumps,
                output_type=Types.STRING(),
            ).output
        elif given.kind == "async":
            out = AsyncDataStream.unordered_wait(
                lines, Waiting(given.wait), Time.seconds(600), 1000, Types.STRING()
            )
        else:
            keyed = lines.key_by(lambda line: json.loads(line)["k"], Types.STRING())
            out = keyed.process(PerKey(), Types.STRING())
        sink = FileSink.for_row_format(str(folder / "out"), Encoder.simple_string_encoder())
        out.sink_to(sink.build())
        env.execute()
        rows = [
            json.loads(line)
            for path in (folder / "out").rglob("*")
            if path.is_file()
            for line in path.read_text().splitlines()
        ]
        assert Counter(row["i"] for row in rows) == Counter(range(given.events)), "lost or doubled"
        if given.kind != "async":
            last = Counter(row["k"] for row in rows)
            assert all(max(r["n"] for r in rows if r["k"] == k) == last[k] for k in list(last)[:5])
        times = sorted(row["t"] for row in rows)
        first = len(times) // 5
        rate = (len(times) - first) / (times[-1] - times[first])
        print(json.dumps({**vars(given), "rate": rate}), flush=True)


if __name__ == "__main__":
    main()
