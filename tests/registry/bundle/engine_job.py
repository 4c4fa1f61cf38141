"""A keyed job with memory and a map behind it, that tells where each process takes its code from.

Run as ``python -S engine_job.py FOLDER LAUNCHER``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from pyflink.common import Encoder, Types
from pyflink.datastream.connectors.file_system import FileSink

from headrace import Agent, Context, InputEvent, OutputEvent, action
from headrace.flink import environment, process


class Counting(Agent):
    """Counts the inputs of each key."""

    @action(InputEvent)
    async def count(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["n"] = n = ctx.short_term.get("n", 0) + 1
        ctx.send(OutputEvent(output={"key": ctx.key, "n": n}))


def process_of_this() -> dict[str, object]:
    """Its number, and the files of everything that it has imported."""
    from pyflink.fn_execution import PYFLINK_CYTHON_ENABLED

    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return {
        "pid": os.getpid(),
        "files": sorted(file for file in files if file),
        "compiled": PYFLINK_CYTHON_ENABLED,
    }


def with_process(line: str) -> str:
    """Adds what is known of the process that this runs in."""
    return json.dumps({**json.loads(line), "process": process_of_this()})


def main(folder: Path, launcher: str) -> None:
    """Runs the job."""
    env = environment({"restart-strategy.type": "disable", "python.executable": launcher})
    env.set_parallelism(1)
    lines = [json.dumps({"key": f"k{n % 2}"}) for n in range(6)]
    streams = process(
        env.from_collection(lines, Types.STRING()),
        Counting(),
        key=lambda value: value["key"],
        parse=json.loads,
        render=json.dumps,
        output_type=Types.STRING(),
    )
    streams.output.map(with_process, Types.STRING()).sink_to(
        FileSink.for_row_format(str(folder / "out"), Encoder.simple_string_encoder()).build()
    )
    env.execute()
    (folder / "driver").write_text(json.dumps(process_of_this()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
