"""A job with a Java function of a jar of its own, such as connectors come in."""

from __future__ import annotations

import json
from typing import Any

from pyflink.common import Encoder, Types
from pyflink.datastream import DataStream
from pyflink.datastream.connectors.file_system import FileSink
from pyflink.java_gateway import get_gateway

from headrace import Agent, Context, InputEvent, OutputEvent, action
from headrace.flink import process
from headrace.jobs import job


class Repeating(Agent):
    """Repeats what it hears."""

    @action(InputEvent)
    async def repeat(self, event: InputEvent, ctx: Context) -> None:
        """Sends it on."""
        ctx.send(OutputEvent(output=event.input))


def whole(value: str) -> str:
    """The key of a text."""
    return value


@job(Repeating(), name="greeting")
def greeting(env: Any, plans: Any) -> None:
    """Each name becomes what the jar's class says, and goes through the agent."""
    settings = env._j_stream_execution_environment.getConfiguration()
    names = env.from_collection(["a", "b", "c"], Types.STRING())
    java = get_gateway().jvm.acme.Greeting()
    text = Types.STRING()
    said = DataStream(names._j_data_stream.map(java, text.get_java_type_info()))
    streams = process(
        said, plans["Repeating"], key=whole, render=json.dumps, output_type=Types.STRING()
    )
    streams.output.sink_to(
        FileSink.for_row_format(
            settings.getString("demo.output", None), Encoder.simple_string_encoder()
        ).build()
    )
