"""A job each of whose functions tells of the process that it runs in.

Its first setting, ``demo.output``, is the folder that it writes to.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from pyflink.common import Encoder, Types, WatermarkStrategy
from pyflink.datastream import KeyedProcessFunction
from pyflink.datastream.connectors.file_system import FileSink
from pyflink.datastream.connectors.number_seq import NumberSequenceSource

from headrace import Agent, Context, InputEvent, OutputEvent, action
from headrace.flink import process
from headrace.jobs import job


def this_process(role: str) -> dict[str, Any]:
    """Where this process has its code from, and what it is given."""
    import apache_beam
    import google.protobuf
    import numpy as np
    import pyflink

    import headrace

    named = (apache_beam, google.protobuf, headrace, np, pyflink)
    files = {getattr(one, "__file__", None) for one in list(sys.modules.values())}
    return {
        "role": role,
        "pid": os.getpid(),
        "home": os.environ["HEADRACE_JOB"],
        "packages": {one.__name__: one.__file__ for one in named},
        "folders": sorted({str(Path(file).parent) for file in files if file}),
        "path": sys.path,
        "no_site": sys.flags.no_site,
        "environment": sorted(os.environ),
        "network": [name for _, name in socket.if_nameindex()],
    }


class Telling(Agent):
    """Adds what it knows to what the others told."""

    @action(InputEvent)
    async def tell(self, event: InputEvent, ctx: Context) -> None:
        """Hands on three reports: of the map before, of the key selector, of itself."""
        ctx.short_term["seen"] = ctx.short_term.get("seen", 0) + 1
        told = [event.input, json.loads(ctx.key), this_process("action")]
        ctx.send(OutputEvent(output=told))


class Own(KeyedProcessFunction):
    """A function of Flink's own kind, behind a key selector of its own."""

    def process_element(self, value: str, ctx: Any) -> Any:
        """Adds the reports of the key selector, and of itself."""
        key = json.loads(ctx.get_current_key())
        yield json.dumps([*json.loads(value), key, this_process("process function")])


def before(number: int) -> str:
    """The first report."""
    return json.dumps({**this_process("map"), "number": number})


def key_of(value: Any) -> str:
    """A key that is a report, and another one for each input."""
    return json.dumps({**this_process("key selector of an agent"), "number": value["number"]})


def own_key_of(value: str) -> str:
    """A key that is a report, and another one for each input."""
    number = json.loads(value)[0]["number"]
    return json.dumps({**this_process("key selector"), "number": number})


def after(value: str) -> str:
    """The last report."""
    return json.dumps([*json.loads(value), this_process("map at the end")])


@job(Telling(), name="telling")
def telling(env: Any, plans: Any) -> None:
    """Numbers in, lists of reports out."""
    settings = env._j_stream_execution_environment.getConfiguration()
    numbers = env.from_source(
        NumberSequenceSource(1, 20),
        WatermarkStrategy.no_watermarks(),
        "numbers",
        type_info=Types.LONG(),
    )
    streams = process(
        # One reader may take all numbers where the other one starts late.
        numbers.rebalance().map(before, Types.STRING()),
        plans["Telling"],
        key=key_of,
        parse=json.loads,
        render=json.dumps,
        output_type=Types.STRING(),
    )
    told = streams.output.key_by(own_key_of, Types.STRING()).process(Own(), Types.STRING())
    told.rebalance().map(after, Types.STRING()).sink_to(
        FileSink.for_row_format(
            settings.getString("demo.output", None), Encoder.simple_string_encoder()
        ).build()
    )
