"""A whole job over files on Flink, embedded in this process."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.approvals import decision_of
from headrace.errors import HeadraceError, JobFailedError, MemoryValueError
from headrace.fields import FieldKey, MissingFieldError
from headrace.flink._covered import marks_folder
from headrace.flink._job import environment, process
from headrace.flink._left import do_left, left_folder
from headrace.flink._pyflink import (
    Encoder,
    FileSink,
    FileSource,
    RuntimeExecutionMode,
    StreamFormat,
    Types,
    WatermarkStrategy,
    configuration_in,
    end_quietly,
)
from headrace.local import END, InputError, JobResult
from headrace.local import FileSource as LocalFileSource
from headrace.settings import settled_here
from headrace.values import key_id, to_jsonable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from headrace.flink._pyflink import DataStream, StreamExecutionEnvironment
    from headrace.plan import AgentPlan

__all__ = ["run_files"]


def run_files(
    plan: AgentPlan,
    *,
    input: Path,  # noqa: A002 - the word that people know
    output: Path,
    dead_letters: Path | None = None,
    approvals: Path | None = None,
    key_field: str | None = None,
    parallelism: int = 1,
    options: Mapping[str, str] | None = None,
    form: str | None = None,
) -> JobResult:
    """Runs a whole job over a file, and writes JSON lines.

    The file is read once before Flink is started, by the local engine's own reader: its faults are
    told with their lines, and Flink gets JSON lines of whatever it was.

    Args:
        plan: The agent.
        input: A file of JSON lines, CSV or text lines.
        output: The file to write, whole or not at all.
        dead_letters: The file for dead letters.
        approvals: The file for requests for somebody's decision; none can come in a job over a
            file, so they show what was refused for that reason.
        key_field: The field that is the key, dotted for nested ones; the input itself if ``None``.
        parallelism: Subtasks of each operator.
        options: Flink's settings.
        form: ``jsonl``, ``csv`` or ``text``; ``None``: by the file's name.

    Raises:
        InputError: An input cannot be read, or has no key.
        JobFailedError: The job failed; the message is the agent's where it was the agent's fault.
    """
    if not input.exists():
        raise HeadraceError(f"{input}: there is no such file")
    began = time.monotonic()
    key = _identity if key_field is None else FieldKey(key_field)
    with tempfile.TemporaryDirectory(prefix="headrace-") as scratch:
        folder = Path(scratch)
        result = JobResult()
        result.inputs = _read(input, form, key, folder / "input.jsonl")
        end_quietly()
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
            StreamFormat.text_line_format(), (folder / "input.jsonl").as_uri()
        ).build()
        stream = env.from_source(lines, WatermarkStrategy.no_watermarks(), "lines")
        streams = process(
            stream, plan, key=key, parse=json.loads, render=to_line, output_type=Types.STRING()
        )
        _sink(streams.output, folder / "output")
        _sink(streams.dead_letters.map(to_line, Types.STRING()), folder / "dead")
        if approvals is not None:
            _sink(streams.approvals.map(to_line, Types.STRING()), folder / "asked")
        try:
            env.execute(f"headrace {plan.name}")
        except Exception as error:
            raise JobFailedError(_reason(error)) from error
        finally:
            # PyFlink leaves these behind: a child of this process could start no Flink, or would
            # run its Python functions in this one.
            for name in ("PYFLINK_GATEWAY_DISABLED", "PYTHON_LOOPBACK_SERVER_ADDRESS"):
                os.environ.pop(name, None)
        _finish(plan, env, folder / "dead")
        result.outputs = _gather(folder / "output", output)
        effects = sum(1 for letter in _letters(folder / "dead") if "effect" in letter)
        result.dead_letters = _gather(folder / "dead", dead_letters)
        if approvals is not None:
            _gather(folder / "asked", approvals)
        result.finished = result.inputs - (result.dead_letters - effects)
    result.seconds = time.monotonic() - began
    return result


def _identity(value: Any) -> Any:
    return value


def _read(path: Path, form: str | None, key: Callable[[Any], Any], copy: Path) -> int:
    """Writes a file's inputs as JSON lines; gives how many there are."""
    source = LocalFileSource(path, form)
    count = 0
    with copy.open("w", encoding="ascii") as lines, closing(source):
        source.start(None, lambda: None)
        while (value := source.poll()) is not END:
            try:
                if decision_of(value) is None:
                    key_id(key(value))
            except (MissingFieldError, MemoryValueError, ValueError) as error:
                raise InputError(f"{source.place()}: {error}") from None
            lines.write(json.dumps(value) + "\n")
            count += 1
    return count


def to_line(value: Any) -> str:
    """A value as one JSON line."""
    return json.dumps(to_jsonable(value), ensure_ascii=False)


def _finish(plan: AgentPlan, env: StreamExecutionEnvironment, dead: Path) -> None:
    """Does the effects that the job has left; what is given up is one more part."""
    marks = marks_folder(configuration_in(env), plan.identity)
    if marks is None:
        return
    letters: list[dict[str, Any]] = []
    do_left(settled_here(plan), left_folder(marks), letters.append)
    if letters:
        dead.mkdir(exist_ok=True)
        lines = "".join(f"{to_line(letter)}\n" for letter in letters)
        (dead / "part-left").write_text(lines, encoding="utf-8")


def _letters(folder: Path) -> Iterator[dict[str, Any]]:
    for part in folder.rglob("*"):
        if part.is_file() and part.name[0] != ".":
            with part.open(encoding="utf-8") as lines:
                yield from map(json.loads, lines)


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
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


_REASON = re.compile(r"(?:headrace\.errors\.)?(\w+(?:Error|Exception)): (.+)")


def _reason(error: Exception) -> str:
    """The agent's own error out of Flink's traces, or the end of them."""
    text = str(error)
    found = re.findall(r"headrace\.errors\.(\w+): (.+)", text)
    if found:
        return str(found[-1][1])
    python = [match[2] for match in _REASON.finditer(text) if match[1].endswith("Error")]
    return python[-1] if python else text.strip().splitlines()[0]
