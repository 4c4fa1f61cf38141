"""A job that is one script: its agent, its key and its model are of ``__main__``.

Run as ``python main_agent.py FOLDER``.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from flink_jobs import sink
from pydantic import BaseModel

from headrace import Agent, Context, Event, InputEvent, OutputEvent, action, tool
from headrace.flink import environment, process

KEYS = 3
INPUTS = 30


def key_of(value):
    """The key."""
    return value["key"]


async def doubled(n):
    """A function for a durable call."""
    await asyncio.sleep(0.001)
    return 2 * n


class Counted(BaseModel):
    """What is kept in memory."""

    count: int = 0


class Step(Event):
    """What one action sends to the next."""

    counted: Counted
    doubled: int


class Main(Agent):
    """Counts, calls, and kills its worker once."""

    folder: str

    @tool()
    def tripled(self, n: int) -> int:
        """Triples."""
        return 3 * n

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        n = event.input["n"]
        marker = Path(self.folder) / "killed"
        if n == INPUTS // 2 and not marker.exists():
            if "beam" not in sys.argv[0]:
                raise RuntimeError(f"not in a worker process of its own: {sys.argv}")
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        ctx.short_term["n"] = kept = Counted(count=ctx.short_term.get("n", Counted()).count + 1)
        ctx.send(Step(counted=kept, doubled=await ctx.call(doubled, n)))

    @action(Step)
    async def tell(self, event: Step, ctx: Context) -> None:
        said = {"key": ctx.key, "count": event.counted.count, "doubled": event.doubled}
        said["tripled"] = await ctx.tool("tripled", n=1)
        ctx.send(OutputEvent(output={**said, "pid": os.getpid()}))


def main(folder: Path) -> None:
    """Runs the job."""
    from pyflink.common import Types, WatermarkStrategy
    from pyflink.datastream.connectors.file_system import FileSource, StreamFormat

    env = environment(
        {
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": "2",
            "restart-strategy.fixed-delay.delay": "10ms",
            "execution.checkpointing.interval": "500ms",
        }
    )
    env.set_parallelism(1)
    lines = [json.dumps({"key": f"k{n % KEYS}", "n": n}) for n in range(INPUTS)]
    (folder / "in").write_text("".join(f"{line}\n" for line in lines))
    source = FileSource.for_record_stream_format(
        StreamFormat.text_line_format(), (folder / "in").as_uri()
    ).build()
    streams = process(
        env.from_source(source, WatermarkStrategy.no_watermarks(), "lines"),
        Main(folder=str(folder)),
        key=key_of,
        parse=json.loads,
        render=json.dumps,
        output_type=Types.STRING(),
    )
    sink(streams.output, folder / "out")
    env.execute()
    (folder / "driver").write_text(str(os.getpid()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
