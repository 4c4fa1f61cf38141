"""Putting an agent into a Flink job: streams, tables, and a whole job over files."""

from __future__ import annotations

import sys
from dataclasses import dataclass, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from headrace.errors import HeadraceError
from headrace.fields import FieldKey
from headrace.flink._covered import marks_folder
from headrace.flink._function import AgentFunction
from headrace.flink._java import ensure_java
from headrace.flink._left import left_folder
from headrace.flink._pyflink import (
    Configuration,
    DataStream,
    Duration,
    Encoder,
    FileSink,
    RollingPolicy,
    Row,
    StreamExecutionEnvironment,
    TimestampAssigner,
    Types,
    WatermarkStrategy,
    configuration_of,
    has_checkpoints,
    shape_of,
    with_keys,
)
from headrace.flink._shards import ShardSelector
from headrace.flink._tags import APPROVALS, DEAD_LETTERS, LEFT, MARKS
from headrace.flink._types import ModelRows, row_type
from headrace.plan import AgentPlan
from headrace.references import find
from headrace.settings import settled_here

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from headrace.flink._pyflink import DataStreamSink, OutputTag
    from headrace.teams import AgentLike


__all__ = [
    "SETTINGS",
    "AgentStreams",
    "configure",
    "environment",
    "process",
    "process_table",
]

SETTINGS: Mapping[str, str] = {
    # Bundles carry many elements over one round trip between Java and Python; a barrier waits for
    # the bundle under way, so they are not as large as throughput alone would have them.
    "python.fn-execution.bundle.size": "5000",
    "python.fn-execution.bundle.time": "5",
    # An idle stream's records wait this long between two steps: Flink's 100 ms is most of the way.
    "execution.buffer-timeout.interval": "5ms",
    "python.state.cache-size": "5000",
    "python.map-state.read-cache-size": "5000",
    "python.map-state.write-cache-size": "5000",
}
"""Flink's settings that suit the agents' operator; see ``docs/benchmarks.md``."""


@dataclass(frozen=True, slots=True)
class AgentStreams:
    """What an agent makes of a stream."""

    output: DataStream
    """The outputs."""
    dead_letters: DataStream
    """Inputs whose runs failed for good: mappings with key, input, error, trace and more."""
    approvals: DataStream
    """Requests for somebody's decision: mappings, see ``headrace.approvals.ApprovalRequest``."""


def configure(options: Mapping[str, str] | None = None) -> Configuration:
    """A configuration for an environment that runs agents; ``options`` win."""
    ensure_java()
    config = Configuration()
    for name, value in {**SETTINGS, **(options or {})}.items():
        config.set_string(name, value)
    return config


def environment(options: Mapping[str, str] | None = None) -> StreamExecutionEnvironment:
    """An execution environment for agents: embedded here, or the cluster of ``flink run``."""
    config = configure({"python.executable": sys.executable, **(options or {})})
    return StreamExecutionEnvironment.get_execution_environment(config)


def process(
    stream: DataStream,
    agent: AgentLike | AgentPlan,
    *,
    key: Callable[[Any], Any] | None = None,
    parse: Callable[[Any], Any] | None = None,
    render: Callable[[Any], Any] | None = None,
    output_type: Any = None,
    output: type[BaseModel] | None = None,
    out_of_order: timedelta | None = None,
    name: str | None = None,
) -> AgentStreams:
    """Runs an agent over a stream.

    Args:
        stream: The inputs. One that is keyed already needs no ``key``, and is shuffled once all
            the same: its keys take the way to the agent's shards at once, not to its own first.
        agent: The agent, or its plan.
        key: Gives the key of an input: inputs of one key run one after the other, and share memory.
            ``None``: the stream is keyed.
        parse: Makes the input of an element, such as ``json.loads``; ``None``: the element itself.
        render: Makes an output's element of its value, such as ``json.dumps``.
        output_type: Flink's type of the outputs' elements; pickled Python values where ``None``.
        output: A pydantic model of the outputs, instead of ``render`` and ``output_type``: they are
            rows with its fields, whose types a table takes over (``from_data_stream``).
        out_of_order: For streams in event time. Outputs of runs that never wait have their input's
            timestamp by themselves. A run that waits is committed at a later element, whose
            timestamp its outputs get; where this is given, every output gets its input's own
            timestamp instead, and the watermark behind the agent is held back by so much.
        name: The name of the operator in Flink's plan, which its state is found by too. Where
            ``None``: the agent's name, and state follows the job's identity (the setting ``job``).

    Raises:
        HeadraceError: The stream has no key, or the model has a field that no column can hold.
        PlanError: The agent does not compile.
        SettingError: What Flink's configuration or the environment says of settings is wrong, or a
            value is said nowhere.
    """
    plan = agent if isinstance(agent, AgentPlan) else AgentPlan.from_agent(agent)
    configuration = configuration_of(stream)
    plan = settled_here(plan, configuration)
    checkpointed = has_checkpoints(stream)
    marks = marks_folder(configuration, plan.identity) if checkpointed else None
    timed = out_of_order is not None
    if output is not None:
        if render is not None or output_type is not None:
            raise HeadraceError("output says what render and output_type say: leave them out")
        render, output_type = ModelRows(output), row_type(output)
    if key is None:
        stream = with_keys(stream)
    shape = shape_of(stream)
    function = AgentFunction(
        plan.model_dump_json(),
        key,
        parse,
        render,
        _mains(plan),
        timed=timed,
        shape=shape,
        marks=marks,
        checkpointed=checkpointed,
    )
    selector = ShardSelector(key, parse, plan.config.shards, shape)
    # The state of a savepoint is found by the uid: a new name of the agent must not change it.
    identity = name or plan.identity
    kind = output_type or Types.PICKLED_BYTE_ARRAY()
    outputs = (
        stream.key_by(selector, Types.INT())
        .process(function, Types.PICKLED_BYTE_ARRAY() if timed else kind)
        .name(name or plan.name)
        .uid(f"headrace-{identity}")
    )
    dead_letters = outputs.get_side_output(DEAD_LETTERS)
    approvals = outputs.get_side_output(APPROVALS)
    if marks is not None:
        shown = _shown(outputs, MARKS, marks)
        shown.name(f"{name or plan.name}: what checkpoints cover").uid(f"headrace-marks-{identity}")
        shown = _shown(outputs, LEFT, left_folder(marks))
        shown.name(f"{name or plan.name}: what is left").uid(f"headrace-outbox-{identity}")
    if out_of_order is not None:
        delay = Duration.of_millis(int(out_of_order.total_seconds() * 1000))
        strategy = WatermarkStrategy.for_bounded_out_of_orderness(delay)
        outputs = outputs.assign_timestamps_and_watermarks(
            strategy.with_timestamp_assigner(InputTime())
        ).map(value_of, kind)
    return AgentStreams(outputs, dead_letters, approvals)


def _shown(outputs: DataStream, tag: OutputTag, folder: str) -> DataStreamSink:
    """Lines that become visible in a folder with the checkpoint that covers them."""
    sink = FileSink.for_row_format(folder, Encoder.simple_string_encoder())
    sink = sink.with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
    return outputs.get_side_output(tag).sink_to(sink.build())


def process_table(
    environment: Any,
    table: Any,
    agent: AgentLike | AgentPlan,
    *,
    key: str,
    output: Mapping[str, Any] | type[BaseModel],
    name: str | None = None,
) -> Any:
    """Runs an agent over a table: its rows are the inputs, as mappings.

    Args:
        environment: The ``StreamTableEnvironment``.
        table: The inputs; it only ever grows (no updates).
        agent: The agent, or its plan. Its outputs are mappings with the columns of ``output``, or
            what that model describes.
        key: The column that is the key.
        output: A pydantic model of the outputs, whose fields are the columns; or the columns with
            Flink's types (``Types.STRING()``), and a column that an output lacks is null.
        name: The name of the operator.

    Returns:
        The table of the outputs.
    """
    if isinstance(output, type):
        rows = environment.to_data_stream(table)
        typed = process(rows, agent, key=FieldKey(key), output=output, name=name)
        return environment.from_data_stream(typed.output)
    columns = list(output)
    streams = process(
        environment.to_data_stream(table),
        agent,
        key=FieldKey(key),
        render=ToRow(columns),
        output_type=Types.ROW_NAMED(columns, list(output.values())),
        name=name,
    )
    return environment.from_data_stream(streams.output)


class ToRow:
    """Makes a row of a mapping."""

    def __init__(self, columns: list[str]) -> None:
        self._columns = columns

    def __call__(self, value: Any) -> Any:
        """The row."""
        return Row(*(value.get(column) for column in self._columns))


class InputTime(TimestampAssigner):
    """The timestamp that an output was given by the agent's function."""

    def extract_timestamp(self, value: Any, record_timestamp: int) -> int:
        """The input's timestamp, or the record's where the input had none."""
        timestamp: int | None = value[0]
        return record_timestamp if timestamp is None else timestamp


def value_of(pair: Any) -> Any:
    """The output of a pair of timestamp and output."""
    return pair[1]


def _mains(plan: AgentPlan) -> dict[str, Any]:
    """What a driver script defines itself: sent along by value, for workers cannot import it.

    That is what the plan names, and classes whose values may be kept, sent or raised.
    """
    names = [spec.function for spec in plan.actions.values()]
    names += [
        provider.target
        for providers in plan.resource_providers.values()
        for provider in providers.values()
        if provider.target is not None
    ]
    names += plan.agent_classes
    mains = {name: find(name) for name in names if name.startswith("__main__:")}
    for name, thing in vars(sys.modules["__main__"]).items():
        if (
            isinstance(thing, type)
            and thing.__module__ == "__main__"
            and (issubclass(thing, (BaseModel, Enum, Exception)) or is_dataclass(thing))
        ):
            mains.setdefault(f"__main__:{name}", thing)
    return mains
