"""All that is used of PyFlink, in one place: what differs between its versions is settled here."""

from __future__ import annotations

from pyflink.common import Configuration, Encoder, Types, WatermarkStrategy
from pyflink.datastream import (
    DataStream,
    KeyedProcessFunction,
    OutputTag,
    RuntimeContext,
    RuntimeExecutionMode,
    StreamExecutionEnvironment,
)
from pyflink.datastream.connectors.file_system import FileSource, StreamFormat
from pyflink.datastream.state import MapStateDescriptor, ValueStateDescriptor

__all__ = [
    "Configuration",
    "DataStream",
    "Encoder",
    "FileSource",
    "KeyedProcessFunction",
    "MapStateDescriptor",
    "OutputTag",
    "RuntimeContext",
    "RuntimeExecutionMode",
    "StreamExecutionEnvironment",
    "StreamFormat",
    "Types",
    "ValueStateDescriptor",
    "WatermarkStrategy",
]
