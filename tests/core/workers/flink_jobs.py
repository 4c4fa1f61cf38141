"""Jobs that have no end: inputs come as files in a folder, outputs go to files."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from pyflink.common import Duration, Encoder, Types, WatermarkStrategy
from pyflink.datastream.connectors.file_system import (
    FileSink,
    FileSource,
    RollingPolicy,
    StreamFormat,
)

from headrace.flink import environment, process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from headrace import Agent


def sink(stream: Any, folder: Path) -> None:
    """Writes a stream's lines into a folder; each checkpoint commits a part."""
    stream.sink_to(
        FileSink.for_row_format(str(folder), Encoder.simple_string_encoder())
        .with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
        .build()
    )


def committed(folder: Path) -> list[Any]:
    """The lines of the committed parts, in the order in which they were written."""
    parts = [path for path in folder.rglob("part-*") if path.is_file()]
    parts.sort(key=lambda path: path.stat().st_mtime_ns)  # their numbers begin anew
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


class Job:
    """A job, and its later executions from savepoints.

    All of them write to one folder: a FileSink goes on with the files that it left.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs = folder / "in"
        self.inputs.mkdir()

    def feed(self, name: str, values: list[dict[str, Any]]) -> None:
        """Gives it inputs."""
        beside = self.folder / f".{name}"
        beside.write_text("".join(json.dumps(value) + "\n" for value in values))
        beside.rename(self.inputs / name)

    def start(
        self,
        agent: Agent,
        *,
        key: Callable[[Any], Any],
        parallelism: int = 1,
        savepoint: str | None = None,
        options: Mapping[str, str] | None = None,
        then: Callable[[str], str] | None = None,
    ) -> Any:
        """Starts it; gives Flink's client of it."""
        settings = {
            "restart-strategy.type": "disable",
            "execution.checkpointing.interval": "200ms",
            "execution.checkpointing.dir": (self.folder / "checkpoints").as_uri(),
            **(options or {}),
        }
        if savepoint is not None:
            settings["execution.state-recovery.path"] = savepoint
        env = environment(settings)
        env.set_parallelism(parallelism)
        source = (
            FileSource.for_record_stream_format(
                StreamFormat.text_line_format(), self.inputs.as_uri()
            )
            .monitor_continuously(Duration.of_millis(100))
            .build()
        )
        lines = env.from_source(source, WatermarkStrategy.no_watermarks(), "lines").uid("lines")
        output = process(
            lines, agent, key=key, parse=json.loads, render=json.dumps, output_type=Types.STRING()
        ).output
        sink(output if then is None else output.map(then, Types.STRING()), self.folder / "out")
        return env.execute_async()

    def committed(self) -> list[Any]:
        """The outputs up to now."""
        return committed(self.folder / "out")

    def await_outputs(self, enough: Callable[[list[Any]], bool], seconds: float = 90) -> list[Any]:
        """Waits until the outputs are enough, at most so long."""
        deadline = time.monotonic() + seconds
        while not enough(found := self.committed()):
            assert time.monotonic() < deadline, f"{len(found)} outputs in {seconds} s: {found[-3:]}"
            time.sleep(0.05)
        return found

    def stop(self, client: Any, *, drain: bool = False) -> str:
        """Stops it with a savepoint, and gives that; ``drain``: as if its inputs had ended."""
        from pyflink.java_gateway import get_gateway

        target = (self.folder / "savepoints").as_uri()
        form = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType.CANONICAL
        savepoint: str = client._j_job_client.stopWithSavepoint(drain, target, form).get()
        return savepoint
