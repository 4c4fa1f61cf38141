"""All that is used of PyFlink, in one place: what differs between its versions is settled here."""

from __future__ import annotations

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
from pyflink.datastream.connectors.file_system import FileSink, FileSource, StreamFormat
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
    "Row",
    "RuntimeContext",
    "RuntimeExecutionMode",
    "StreamExecutionEnvironment",
    "StreamFormat",
    "TimestampAssigner",
    "Types",
    "ValueStateDescriptor",
    "WatermarkStrategy",
]
