"""The two agents as Flink jobs: as two that are joined by files, and as one.

Files stand for whatever joins jobs where you are: a topic of Kafka or Pulsar takes the place of the
folder ``routed`` by another source and another sink, and nothing else changes.

Where the jobs read and write is said by environment variables, as each is submitted.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from joined_agents import Desk, Reader

from headrace import job
from headrace.fields import FieldKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace import AgentPlan

__all__ = ["both", "desks", "reading"]

HERE = Path(__file__).resolve().parent


def _input() -> str:
    """The folder of the messages."""
    return os.environ.get("JOINED_INPUT") or (HERE / "data/messages").as_uri()


def _output() -> str:
    """The folder that holds what the jobs write."""
    return os.environ.get("JOINED_OUTPUT") or (HERE / "out/jobs").as_uri()


@job(Reader(), name="reading")
def reading(env: Any, plans: Mapping[str, AgentPlan]) -> None:
    """Messages in, routed messages out."""
    from headrace.flink import process

    streams = process(_lines(env, _input()), plans["Reader"], **_as_json("customer"))
    _write(streams.output, "routed")
    _write_letters(streams.dead_letters, "unread")


@job(Desk(), name="desks")
def desks(env: Any, plans: Mapping[str, AgentPlan]) -> None:
    """Routed messages in, cases out. It reads what ``reading`` has committed."""
    from headrace.flink import process

    streams = process(_lines(env, f"{_output()}/routed"), plans["Desk"], **_as_json("desk"))
    _write(streams.output, "cases")
    _write_letters(streams.dead_letters, "unopened")


@job(Reader(), Desk(), name="both")
def both(env: Any, plans: Mapping[str, AgentPlan]) -> None:
    """Both in one job: what the first puts out goes to the second at once, over the network.

    One checkpoint holds the memory of both, and what is on its way between them.
    """
    from headrace.flink import process

    read = process(_lines(env, _input()), plans["Reader"], **_as_json("customer"))
    opened = process(read.output, plans["Desk"], **_as_json("desk"))
    _write(opened.output, "cases")
    _write_letters(read.dead_letters, "unread")
    _write_letters(opened.dead_letters, "unopened")


# ---------------------------------------------------------------- streams
def _as_json(key: str) -> dict[str, Any]:
    """How an agent's inputs and outputs are JSON lines, keyed by a field."""
    from pyflink.common import Types

    return {
        "key": FieldKey(key),
        "parse": json.loads,
        "render": json.dumps,
        "output_type": Types.STRING(),
    }


def _lines(env: Any, folder: str) -> Any:
    """The lines of a folder's files, and of those that come later; each file once."""
    from pyflink.common import Duration, WatermarkStrategy
    from pyflink.datastream.connectors.file_system import FileSource, StreamFormat

    source = FileSource.for_record_stream_format(StreamFormat.text_line_format(), folder)
    followed = source.monitor_continuously(Duration.of_millis(500)).build()
    return env.from_source(followed, WatermarkStrategy.no_watermarks(), "lines").uid("lines")


def _write(stream: Any, name: str) -> None:
    """Writes lines; each checkpoint commits what came before it, in files that are whole."""
    from pyflink.common import Encoder
    from pyflink.datastream.connectors.file_system import FileSink, RollingPolicy

    sink = (
        FileSink.for_row_format(f"{_output()}/{name}", Encoder.simple_string_encoder())
        .with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
        .build()
    )
    stream.sink_to(sink).name(name).uid(name)


def _write_letters(stream: Any, name: str) -> None:
    from pyflink.common import Types

    _write(stream.map(json.dumps, Types.STRING()), name)
