"""All that is used of PyFlink, in one place: what differs between its versions is settled here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

from pyflink.common import Configuration, Duration, Encoder, Row, Types, WatermarkStrategy, typeinfo
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import (
    DataStream,
    DataStreamSink,
    KeyedProcessFunction,
    KeyedStream,
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
from pyflink.java_gateway import get_gateway
from pyflink.version import __version__ as VERSION  # noqa: N812 - it is a constant

from headrace.errors import HeadraceError
from headrace.flink.releases import release_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "METRIC_GROUP",
    "Configuration",
    "DataStream",
    "DataStreamSink",
    "Duration",
    "Encoder",
    "FileSink",
    "FileSource",
    "KeyedProcessFunction",
    "MapStateDescriptor",
    "MetricCells",
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
    "configuration_in",
    "configuration_of",
    "end_quietly",
    "execution_plan",
    "has_checkpoints",
    "keyed_state_backend",
    "shape_of",
    "with_keys",
]


METRIC_GROUP = "headrace"
"""The metric group of what is ours."""
Shape: TypeAlias = "list[tuple[str, Shape]] | None"
"""The fields of a row, with those of rows in them; of a list, its elements'."""

_servers: list[Any] = []  # a server that nothing refers to stops


def end_quietly() -> None:
    """Keeps PyFlink's server for embedded jobs from stopping itself when the process ends.

    Its threads end with the process anyway, and from Python 3.12 on none may be started by then:
    stopping it would print a trace.
    """
    from pyflink.fn_execution.beam import beam_worker_pool_service as service

    service.atexit = SimpleNamespace(register=_servers.append)


def with_keys(stream: DataStream) -> DataStream:
    """What a keyed stream is keyed from: pairs of a key and an element, not yet shuffled.

    Raises:
        HeadraceError: The stream is not keyed.
    """
    if not isinstance(stream, KeyedStream):
        raise HeadraceError(
            "the inputs of an agent have keys\n  next: process(stream, agent, key=...), or give a "
            "stream that is keyed: stream.key_by(...)"
        )
    env = stream.get_execution_environment()._j_stream_execution_environment  # noqa: SLF001
    shuffle = stream._j_data_stream.getTransformation()  # noqa: SLF001 - it has no public ways
    pairs = shuffle.getInputs().get(0)
    java = get_gateway().jvm.org.apache.flink.streaming.api.datastream.DataStream(env, pairs)
    return DataStream(java)


def shape_of(stream: DataStream) -> Shape:
    """The names of the fields of a stream's rows, by the stream's declared type.

    Rows that one Python function hands to the next carry no names of their own.
    """
    try:
        kind = typeinfo._from_java_type(  # noqa: SLF001 - has no public ways
            stream._j_data_stream.getTransformation().getOutputType()  # noqa: SLF001
        )
    except Exception:  # noqa: BLE001 - a type that Python has no word for holds no rows of its
        return None
    return _shape(kind)


def _shape(kind: Any) -> Shape:
    kind = getattr(kind, "_type_info", kind)  # a table's, around the stream's own
    if isinstance(kind, typeinfo.RowTypeInfo):
        inner = zip(kind.get_field_names(), kind.get_field_types(), strict=True)
        return [(name, _shape(one)) for name, one in inner]
    one = getattr(kind, "elem_type", None) or getattr(kind, "_element_type", None)
    return None if one is None else _shape(one)


def configuration_of(stream: DataStream) -> dict[str, str]:
    """Flink's configuration as the stream's job has it, the cluster's own file included."""
    return configuration_in(stream.get_execution_environment())


def configuration_in(environment: StreamExecutionEnvironment) -> dict[str, str]:
    """Flink's configuration as an environment has it."""
    env = environment._j_stream_execution_environment  # noqa: SLF001 - has no public ways
    return dict(env.getConfiguration().toMap())


def has_checkpoints(stream: DataStream) -> bool:
    """Whether the stream's job has checkpoints."""
    env = stream.get_execution_environment()._j_stream_execution_environment  # noqa: SLF001
    return bool(env.getCheckpointConfig().isCheckpointingEnabled())


def execution_plan(environment: StreamExecutionEnvironment, name: str) -> Any:
    """A job as Flink's own client sends it; the environment is empty after that."""
    config = environment._j_stream_execution_environment.getConfiguration()  # noqa: SLF001
    plan = environment._generate_stream_graph(True, name)  # noqa: SLF001 - has no public ways
    java = get_gateway().jvm
    utils = java.org.apache.flink.client.deployment.executors.PipelineExecutorUtils
    release = release_of(VERSION)
    if release is not None and release.job_graph:
        return utils.getJobGraph(plan, config, java.Thread.currentThread().getContextClassLoader())
    graph = utils.getStreamGraph(plan, config)
    graph.serializeUserDefinedInstances()
    return graph


def keyed_state_backend(context: RuntimeContext) -> Any:
    """What chooses the key at hand; ``None`` where PyFlink has none (thread mode)."""
    return getattr(context, "_keyed_state_backend", None)


class MetricCells:
    """The metrics of the operator at hand.

    In process mode they are cells of a container of Beam's. It can be had at an element and not at
    a timer, so it is kept. Each cell is sent to Java with every bundle from its first use on,
    whether it has changed or not, until it is dropped.
    """

    def __init__(self, group: Any) -> None:
        self._in_process = hasattr(group, "_get_namespace")
        self._container: Any = None
        self._proof = self.counter(group, "reports")

    def ready(self) -> bool:
        """Whether numbers can be given now."""
        if not self._in_process:
            return True
        from apache_beam.metrics.execution import MetricsEnvironment

        self._container = MetricsEnvironment.current_container() or self._container
        return self._container is not None

    def counter(self, group: Any, name: str) -> Callable[[int], None]:
        """Takes what is added to a counter."""
        if not self._in_process:
            add: Callable[[int], None] = group.counter(name).inc
            return add
        return self._adding(group._get_namespace(), name)  # noqa: SLF001 - as PyFlink makes it

    def meter(self, group: Any, name: str) -> Callable[[int], None]:
        """Takes what is added to a meter, of one minute."""
        if not self._in_process:
            mark: Callable[[int], None] = group.meter(name).mark_event
            return mark
        return self._adding(group._get_namespace(60), name)  # noqa: SLF001

    def gauge(self, group: Any, name: str, value: Callable[[], int]) -> Callable[[int], None]:
        """Takes what a gauge is set to; where Flink asks for it itself, it asks ``value``."""
        if not self._in_process:
            group.gauge(name, value)
            return lambda _: None
        from apache_beam.metrics.metricbase import MetricName

        metric = MetricName(group._get_namespace(), name)  # noqa: SLF001
        return lambda now: self._container.get_gauge(metric).set(now)

    def given(self) -> None:
        """Told when numbers were given: from now on ``drop_sent`` looks for their bundle's end."""
        self._proof(1)

    def drop_sent(self) -> bool:
        """Drops what a bundle has taken along; gives whether it has.

        Beam sets a bundle's counters to zero when it has ended.
        """
        if not self._in_process:
            return True
        cells = self._container.metrics
        ours = [key for key in cells if f'"{METRIC_GROUP}"' in key.metric_name.namespace]
        proof = next((key for key in ours if key.metric_name.name == "reports"), None)
        if proof is not None and cells[proof].get_cumulative():
            return False
        for key in ours:
            del cells[key]
        return True

    def _adding(self, namespace: str, name: str) -> Callable[[int], None]:
        from apache_beam.metrics.metricbase import MetricName

        metric = MetricName(namespace, name)
        return lambda count: self._container.get_counter(metric).inc(count)
