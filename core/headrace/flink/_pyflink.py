"""All that is used of PyFlink, in one place: what differs between its versions is settled here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from pyflink.common import Configuration, Duration, Encoder, Row, Types, WatermarkStrategy
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import (
    DataStream,
    KeyedProcessFunction,
    OutputTag,
    RuntimeContext,
    RuntimeExecutionMode,
    StreamExecutionEnvironment,
)
from pyflink.datastream.connectors.file_system import (
    FileSink,
    FileSource,
    RollingPolicy,
    StreamFormat,
)
from pyflink.datastream.state import MapStateDescriptor, ValueStateDescriptor

__all__ = [
    "Configuration",
    "DataStream",
    "Duration",
    "Encoder",
    "FileSink",
    "FileSource",
    "KeyedProcessFunction",
    "MapStateDescriptor",
    "OutputTag",
    "RollingPolicy",
    "Row",
    "RuntimeContext",
    "RuntimeExecutionMode",
    "StreamExecutionEnvironment",
    "StreamFormat",
    "TimestampAssigner",
    "Types",
    "ValueStateDescriptor",
    "WatermarkStrategy",
    "configuration_of",
    "end_quietly",
    "keyed_state_backend",
]


_servers: list[Any] = []  # a server that nothing refers to stops


def end_quietly() -> None:
    """Keeps PyFlink's server for embedded jobs from stopping itself when the process ends.

    Its threads end with the process anyway, and from Python 3.12 on none may be started by then:
    stopping it would print a trace.
    """
    from pyflink.fn_execution.beam import beam_worker_pool_service as service

    service.atexit = SimpleNamespace(register=_servers.append)


def configuration_of(stream: DataStream) -> dict[str, str]:
    """Flink's configuration as the stream's job has it, the cluster's own file included."""
    env = stream.get_execution_environment()._j_stream_execution_environment  # noqa: SLF001
    return dict(env.getConfiguration().toMap())


def keyed_state_backend(context: RuntimeContext) -> Any:
    """What chooses the key at hand; ``None`` where PyFlink has none (thread mode)."""
    return getattr(context, "_keyed_state_backend", None)
