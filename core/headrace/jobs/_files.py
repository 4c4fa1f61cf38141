"""A job over files on a cluster: lines in, JSON lines out, each output once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headrace.errors import HeadraceError
from headrace.fields import FieldKey
from headrace.flink import process
from headrace.flink._files import to_line
from headrace.flink._pyflink import (
    Duration,
    Encoder,
    FileSink,
    FileSource,
    RollingPolicy,
    StreamFormat,
    Types,
    WatermarkStrategy,
)

if TYPE_CHECKING:
    from headrace.jobs.manifest import FilesIO
    from headrace.plan import AgentPlan

__all__ = ["file_pipeline"]

_SHOWN = 200
_LOOK_EVERY = 1
"""Seconds between two looks for new files."""


def file_pipeline(env: Any, plan: AgentPlan, files: FilesIO, *, follow: bool = False) -> None:
    """Reads lines of files, runs an agent, and writes JSON lines to a folder.

    Args:
        env: Flink's environment.
        plan: The agent.
        files: What is read and written: paths or addresses that the workers reach.
        follow: Whether to wait for more files, without an end.

    Raises:
        HeadraceError: It is not said what to read or write, or it has a form that cannot be read
            in parts.
    """
    if files.input is None or files.output is None:
        lacking = " and ".join(
            f"--{name} URI" for name in ("input", "output") if getattr(files, name) is None
        )
        raise HeadraceError(
            "this job reads and writes files, and does not say which\n"
            f"  next: give {lacking}: paths or addresses that every worker reaches"
        )
    form = files.format or ("csv" if files.input.endswith(".csv") else "jsonl")
    if form == "csv":
        raise HeadraceError(
            "CSV cannot be read by several workers: its first line names the columns of all\n"
            "  next: give JSON lines; or write a job with a CSV source (headrace.job)"
        )
    source = FileSource.for_record_stream_format(StreamFormat.text_line_format(), files.input)
    if follow:
        source = source.monitor_continuously(Duration.of_seconds(_LOOK_EVERY))
    lines = env.from_source(source.build(), WatermarkStrategy.no_watermarks(), "lines")
    # How far the source has read belongs to it by this name, whatever else of the job changes.
    lines = lines.uid("headrace-lines")
    streams = process(
        lines,
        plan,
        key=_whole if files.key is None else FieldKey(files.key),
        parse=_text if form == "text" else parse_line,
        render=to_line,
        output_type=Types.STRING(),
    )
    _write(streams.output, files.output, "outputs")
    letters = streams.dead_letters.map(to_line, Types.STRING()).name("dead letters as lines")
    if files.dead_letters is not None:
        _write(letters, files.dead_letters, "dead letters")
    else:
        letters.print("dead letter").name("dead letters")
    if files.approvals is not None:
        asked = streams.approvals.map(to_line, Types.STRING()).name("approvals as lines")
        _write(asked, files.approvals, "approvals")


def _write(stream: Any, folder: str, name: str) -> None:
    # A part is whole when the checkpoint that covers it is: what is visible is visible once.
    sink = (
        FileSink.for_row_format(folder, Encoder.simple_string_encoder())
        .with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
        .build()
    )
    stream.sink_to(sink).name(name).uid(f"headrace-{name.replace(' ', '-')}")


def parse_line(line: str) -> Any:
    """One JSON line.

    Raises:
        HeadraceError: It is none.
    """
    try:
        return json.loads(line)
    except ValueError as error:
        shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
        raise HeadraceError(f"an input line is no JSON ({error}): {shown}") from None


def _text(line: str) -> str:
    return line


def _whole(value: Any) -> Any:
    return value
