"""What is written down of a cluster: enough to find, restart and end it; no secret."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import ValidationError

from headrace_registry._reading import reader, writer
from headrace_registry.clusters._local_errors import ClusterError
from headrace_registry.clusters._local_processes import Running, lives

__all__ = [
    "CHECKPOINTS",
    "JOBMANAGER",
    "RECORD",
    "SAVEPOINTS",
    "TASKMANAGER",
    "ZOOKEEPER",
    "ClusterProcess",
    "Record",
    "clusters_folder",
    "read_record",
    "write_record",
]

RECORD = "cluster.json"
CHECKPOINTS, SAVEPOINTS = "checkpoints", "savepoints"
ZOOKEEPER, JOBMANAGER, TASKMANAGER = "zookeeper", "jobmanager", "taskmanager"
_FORMAT = 1
_MAX = 1_000_000  # bytes


@dataclass(frozen=True, slots=True)
class ClusterProcess:
    """A part of a cluster."""

    role: str
    """``jobmanager``, ``taskmanager`` or ``zookeeper``."""
    index: int
    """Which of its role, from 1."""
    resource: str
    """What Flink calls it; a part that was started again has another name."""
    pid: int
    started: int
    boot: str
    log: str
    """The file that it logs into."""

    @property
    def running(self) -> Running:
        """The process."""
        return Running(self.pid, self.started, self.boot)

    @property
    def lives(self) -> bool:
        """Whether it runs."""
        return lives(self.running)

    @property
    def label(self) -> str:
        """What it is, for people."""
        name = {ZOOKEEPER: "ZooKeeper", JOBMANAGER: "JobManager"}.get(self.role)
        return name or f"TaskManager {self.index}"

    @property
    def output(self) -> Path:
        """The file that holds what it printed, and what its Python workers printed."""
        return Path(self.log).with_suffix(".out")


@dataclass(frozen=True, slots=True)
class Record:
    """What ``cluster.json`` holds."""

    format: int
    name: str
    rest: int
    """The port of the REST API."""
    flink_home: str
    flink_version: str
    java_home: str
    java_version: int
    python: str
    python_version: str
    slots: int
    """Of each TaskManager."""
    taskmanager: tuple[str, ...]
    """Its memory: options for Java, ``--``, arguments."""
    jobmanager: tuple[str, ...]
    variables: tuple[str, ...]
    """The names of the variables that jobs were given; their values are written nowhere."""
    created: str
    processes: tuple[ClusterProcess, ...]

    @property
    def address(self) -> str:
        """Of the REST API: host and port."""
        return f"127.0.0.1:{self.rest}"


def clusters_folder(cache: Path | None = None) -> Path:
    """Where clusters have their folders."""
    if cache is None:
        from headrace_registry.client import cache_folder

        cache = cache_folder()
    return Path(os.path.realpath(cache)) / "clusters"


def read_record(folder: Path) -> Record:
    """Reads what is known of a cluster.

    Raises:
        FileNotFoundError: Nothing is.
        ClusterError: It cannot be read; says how to get rid of it.
    """
    try:
        with (folder / RECORD).open("rb") as file:
            data = file.read(_MAX)
        record: Record = reader(Record).validate_json(data)
    except ValidationError as error:
        why = error.errors(include_url=False, include_input=False)[0]["msg"]
    else:
        if record.format == _FORMAT and record.name == folder.name:
            return record
        why = "it was written by another version of headrace"
    raise ClusterError(
        f"what is known of the cluster {folder.name} cannot be read\n"
        f"  where: {folder / RECORD}\n  why:   {why}\n"
        f"  next:  agents cluster down {folder.name}"
    )


def write_record(folder: Path, record: Record) -> None:
    """Writes what is known of a cluster, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{RECORD}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(writer(Record).to_json(record, indent=2) + b"\n")
        os.replace(name, folder / RECORD)  # noqa: PTH105 - one step, or none
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
