"""The job of ``outbox.py``: each number waits for its moment and then asks for an effect."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

from place import FOLDER, SECONDS

from headrace import Agent, Context, InputEvent, OutputEvent, RuntimeConfig, action
from headrace.flink import process
from headrace.jobs import job


async def effect(number: int, asked: float) -> None:
    """Notes how long it took until it was done."""
    line = f"{number} {time.time() - asked:.4f}\n"
    file = os.open(f"{FOLDER}/effects", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(file, line.encode())
    os.close(file)


class Asking(Agent):
    """Asks for an effect for each number, at moments that are spread over some seconds."""

    config = RuntimeConfig(max_in_flight=5_000)

    @action(InputEvent)
    async def ask(self, event: InputEvent, ctx: Context) -> None:
        """Asks for it."""
        await asyncio.sleep(event.input * 0.6180339887 % 1 * SECONDS)
        ctx.after_commit(effect, event.input, time.time())
        ctx.send(OutputEvent(output=event.input))


def key_of(number: int) -> int:
    """Each number is a key of its own."""
    return number


@job(Asking(), name="asking")
def asking(env: Any, plans: Any) -> None:
    """The job."""
    from pyflink.common import Duration, Types, WatermarkStrategy
    from pyflink.datastream.connectors.file_system import FileSource, StreamFormat

    lines = FileSource.for_record_stream_format(StreamFormat.text_line_format(), f"{FOLDER}/in")
    source = lines.monitor_continuously(Duration.of_seconds(1)).build()
    read = env.from_source(source, WatermarkStrategy.no_watermarks(), "numbers").uid("numbers")
    (plan,) = plans.values()
    process(
        read.map(int, Types.LONG()).name("numbers"),
        plan,
        key=key_of,
        render=json.dumps,
        output_type=Types.STRING(),
    ).output.print()
