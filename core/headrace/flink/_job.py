"""Putting an agent into a Flink job: streams, tables, and a whole job over files."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError, JobFailedError
from headrace.flink._function import DEAD_LETTERS, AgentFunction, ShardSelector
from headrace.flink._java import ensure_java
from headrace.flink._pyflink import (
    Configuration,
    DataStream,
    Duration,
    Encoder,
    FileSink,
    FileSource,
    Row,
    RuntimeExecutionMode,
    StreamExecutionEnvironment,
    StreamFormat,
    TimestampAssigner,
    Types,
    WatermarkStrategy,
)
from headrace.local import JobResult
from headrace.plan import AgentPlan
from headrace.references import find
from headrace.values import to_jsonable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

    from headrace.agent import Agent, AgentBuilder

__all__ = [
    "SETTINGS",
    "AgentStreams",
    "configure",
    "environment",
    "process",
    "process_table",
    "run_files",
]

SETTINGS: Mapping[str, str] = {
    # Bundles carry many elements over one round trip between Java and Python; a barrier waits for
    # the bundle under way, so they are not as large as throughput alone would have them.
    "python.fn-execution.bundle.size": "5000",
    "python.fn-execution.bundle.time": "20",
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
    agent: Agent | AgentBuilder | AgentPlan,
    *,
    key: Callable[[Any], Any],
    parse: Callable[[Any], Any] | None = None,
    render: Callable[[Any], Any] | None = None,
    output_type: Any = None,
    out_of_order: timedelta | None = None,
    name: str | None = None,
) -> AgentStreams:
    """Runs an agent over a stream.

    Args:
        stream: The inputs.
        agent: The agent, or its plan.
        key: Gives the key of an input: inputs of one key run one after the other, and share memory.
        parse: Makes the input of an element, such as ``json.loads``; ``None``: the element itself.
        render: Makes an output's element of its value, such as ``json.dumps``.
        output_type: Flink's type of the outputs' elements; pickled Python values where ``None``.
        out_of_order: For streams in event time. Outputs of runs that never wait have their input's
            timestamp by themselves. A run that waits is committed at a later element, whose
            timestamp its outputs get; where this is given, every output gets its input's own
            timestamp instead, and the watermark behind the agent is held back by so much.
        name: The name of the operator in Flink's plan; the agent's name where ``None``.

    Raises:
        PlanError: The agent does not compile.
    """
    plan = agent if isinstance(agent, AgentPlan) else AgentPlan.from_agent(agent)  # type: ignore[arg-type]
    timed = out_of_order is not None
    function = AgentFunction(plan.model_dump_json(), key, parse, render, _mains(plan), timed=timed)
    selector = ShardSelector(key, parse, plan.config.shards)
    label = name or plan.name
    kind = output_type or Types.PICKLED_BYTE_ARRAY()
    output = (
        stream.key_by(selector, Types.INT())
        .process(function, Types.PICKLED_BYTE_ARRAY() if timed else kind)
        .name(label)
        .uid(f"headrace-{label}")
    )
    dead_letters = output.get_side_output(DEAD_LETTERS)
    if out_of_order is not None:
        delay = Duration.of_millis(int(out_of_order.total_seconds() * 1000))
        strategy = WatermarkStrategy.for_bounded_out_of_orderness(delay)
        output = output.assign_timestamps_and_watermarks(
            strategy.with_timestamp_assigner(InputTime())
        ).map(value_of, kind)
    return AgentStreams(output, dead_letters)


def process_table(
    environment: Any,
    table: Any,
    agent: Agent | AgentBuilder | AgentPlan,
    *,
    key: str,
    output: Mapping[str, Any],
    name: str | None = None,
) -> Any:
    """Runs an agent over a table: its rows are the inputs, as mappings.

    Args:
        environment: The ``StreamTableEnvironment``.
        table: The inputs; it only ever grows (no updates).
        agent: The agent, or its plan. Its outputs are mappings with the columns of ``output``.
        key: The column that is the key.
        output: The columns of the outputs with Flink's types (``Types.STRING()``); a column that
            an output lacks is null.
        name: The name of the operator.

    Returns:
        The table of the outputs.
    """
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


def run_files(
    plan: AgentPlan,
    *,
    input: Path,  # noqa: A002 - the word that people know
    output: Path,
    dead_letters: Path | None = None,
    key_field: str | None = None,
    parallelism: int = 1,
    options: Mapping[str, str] | None = None,
    form: str = "jsonl",
) -> JobResult:
    """Runs a whole job over a file of lines, and writes JSON lines.

    Args:
        plan: The agent.
        input: A file of JSON lines (or of text lines, where ``form`` is ``"text"``), or a folder.
        output: The file to write, whole or not at all.
        dead_letters: The file for dead letters.
        key_field: The field that is the key, dotted for nested ones; the input itself if ``None``.
        parallelism: Subtasks of each operator.
        options: Flink's settings.
        form: ``jsonl`` or ``text``.

    Raises:
        JobFailedError: The job failed; the message is the agent's where it was the agent's fault.
    """
    if not input.exists():
        raise HeadraceError(f"{input}: there is no such file")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="headrace-") as scratch:
        folder = Path(scratch)
        env = environment(
            {
                "restart-strategy.type": "disable",
                "execution.checkpointing.interval": "5s",
                "execution.checkpointing.dir": (folder / "checkpoints").as_uri(),
                **(options or {}),
            }
        )
        env.set_runtime_mode(RuntimeExecutionMode.STREAMING)
        env.set_parallelism(parallelism)
        lines = FileSource.for_record_stream_format(
            StreamFormat.text_line_format(), input.resolve().as_uri()
        ).build()
        stream = env.from_source(lines, WatermarkStrategy.no_watermarks(), "lines")
        streams = process(
            stream,
            plan,
            key=FieldKey(key_field),
            parse=None if form == "text" else json.loads,
            render=to_line,
            output_type=Types.STRING(),
        )
        _sink(streams.output, folder / "output")
        _sink(streams.dead_letters.map(to_line, Types.STRING()), folder / "dead")
        try:
            env.execute(f"headrace {plan.name}")
        except Exception as error:
            raise JobFailedError(_reason(error)) from error
        result = JobResult()
        result.outputs = _gather(folder / "output", output)
        result.dead_letters = _gather(folder / "dead", dead_letters)
        result.inputs = _count(input)
        result.finished = result.inputs - result.dead_letters
    result.seconds = time.monotonic() - began
    return result


class FieldKey:
    """Gives a field of an input, by its dotted name."""

    def __init__(self, field: str | None) -> None:
        self._parts = [] if field is None else field.split(".")

    def __call__(self, value: Any) -> Any:
        """The field's value."""
        for part in self._parts:
            value = value[part]
        return value


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


def to_line(value: Any) -> str:
    """A value as one JSON line."""
    return json.dumps(to_jsonable(value), ensure_ascii=False)


def _sink(stream: DataStream, folder: Path) -> None:
    stream.sink_to(FileSink.for_row_format(str(folder), Encoder.simple_string_encoder()).build())


def _gather(folder: Path, target: Path | None) -> int:
    """Joins the committed parts into one file, put in place at the end."""
    parts = sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] != ".")
    if target is None:
        return sum(_count(part) for part in parts)
    count = 0
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with beside.open("wb") as joined:
            for part in parts:
                count += _count(part)
                with part.open("rb") as lines:
                    shutil.copyfileobj(lines, joined)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return count


def _count(path: Path) -> int:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    count = 0
    for file in files:
        with file.open("rb") as lines:
            count += sum(1 for line in lines if line.strip())
    return count


def _mains(plan: AgentPlan) -> dict[str, Any] | None:
    """What a driver script defines itself: sent along by value, for workers cannot import it."""
    if "__main__" not in plan.modules:
        return None
    names = [spec.function for spec in plan.actions.values()]
    names += [
        provider.target
        for providers in plan.resource_providers.values()
        for provider in providers.values()
        if provider.target is not None
    ]
    if plan.agent_class is not None:
        names.append(plan.agent_class)
    return {name: find(name) for name in names if name.startswith("__main__:")}


_REASON = re.compile(r"(?:headrace\.errors\.)?(\w+(?:Error|Exception)): (.+)")


def _reason(error: Exception) -> str:
    """The agent's own error out of Flink's traces, or the end of them."""
    text = str(error)
    found = re.findall(r"headrace\.errors\.(\w+): (.+)", text)
    if found:
        return str(found[-1][1])
    python = [match[2] for match in _REASON.finditer(text) if match[1].endswith("Error")]
    return python[-1] if python else text.strip().splitlines()[0]
