"""The job of ``checkpoints.py``: one long durable call for each number; ``place`` says how it is.

Bounded, it reads numbers that end at once while their calls are still out; unbounded, it reads a
folder for as long as it runs.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from place import BOUNDED, FOLDER, INPUTS, SECONDS

from headrace import Agent, Context, InputEvent, OutputEvent, action
from headrace.flink import process
from headrace.jobs import job


async def ask(number: int) -> int:
    """A call that takes its time."""
    await asyncio.sleep(SECONDS)
    return number


class Waiting(Agent):
    """Waits for each number's call."""

    @action(InputEvent)
    async def wait(self, event: InputEvent, ctx: Context) -> None:
        """Sends what the call gave."""
        ctx.send(OutputEvent(output=await ctx.call(ask, event.input)))


def key_of(number: int) -> int:
    """Each number is a key of its own."""
    return number


@job(Waiting(), name="waiting")
def waiting(env: Any, plans: Any) -> None:
    """The job."""
    from pyflink.common import Duration, Encoder, Types, WatermarkStrategy
    from pyflink.datastream.connectors.file_system import (
        FileSink,
        FileSource,
        RollingPolicy,
        StreamFormat,
    )
    from pyflink.datastream.connectors.number_seq import NumberSequenceSource

    if BOUNDED:
        source = NumberSequenceSource(0, INPUTS - 1)
    else:
        lines = FileSource.for_record_stream_format(StreamFormat.text_line_format(), f"{FOLDER}/in")
        source = lines.monitor_continuously(Duration.of_seconds(1)).build()
    read = env.from_source(source, WatermarkStrategy.no_watermarks(), "numbers").uid("numbers")
    numbers = read if BOUNDED else read.map(int, Types.LONG()).name("numbers")
    (plan,) = plans.values()
    output = process(
        numbers, plan, key=key_of, render=json.dumps, output_type=Types.STRING()
    ).output
    output.sink_to(
        FileSink.for_row_format(f"{FOLDER}/out", Encoder.simple_string_encoder())
        .with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
        .build()
    ).uid("out")
