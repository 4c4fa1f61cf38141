"""What Flink's REST API answers, as values: only what is read here, each field checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = [
    "ENDED",
    "Backpressure",
    "Checkpoint",
    "Checkpoints",
    "ClusterConfig",
    "ExceptionEntry",
    "Job",
    "JobExceptions",
    "JobSummary",
    "LogFile",
    "Overview",
    "Placement",
    "SavepointStatus",
    "TaskManager",
    "Vertex",
]

ENDED = frozenset({"FINISHED", "FAILED", "CANCELED"})
"""The states that a job does not leave."""

_LONGEST = 4_000
_SHOWN = 2_000_000


def printable(text: str) -> str:
    """A text without what could steer a terminal: a cluster's words are not to be trusted."""
    return "".join(one if one.isprintable() or one in "\n\t" else " " for one in text)


def _text(value: Any) -> Any:
    if value is None:
        return ""
    return printable(value[:_LONGEST]) if isinstance(value, str) else value


def _long_text(value: Any) -> Any:
    if value is None:
        return ""
    return printable(value[:_SHOWN]) if isinstance(value, str) else value


def _seconds(value: Any) -> Any:
    """Flink's milliseconds; it writes -1, or the greatest long, for what is not."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return value / 1000 if 0 <= value < 1 << 53 else None


def _place(value: Any) -> Any:
    return "" if value == "(unassigned)" else _text(value)  # what Flink calls nowhere


Text = Annotated[str, BeforeValidator(_text)]
Place = Annotated[str, BeforeValidator(_place)]
LongText = Annotated[str, BeforeValidator(_long_text)]
Seconds = Annotated[float, BeforeValidator(lambda value: _seconds(value) or 0.0)]
MaybeSeconds = Annotated[float | None, BeforeValidator(_seconds)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")


class Overview(_Answer):
    """A cluster at one moment."""

    flink_version: Text = Field(alias="flink-version")
    """Such as ``2.3.0``."""
    taskmanagers: int
    """How many TaskManagers are registered."""
    slots_total: int = Field(alias="slots-total")
    """All their slots."""
    slots_available: int = Field(alias="slots-available")
    """Those that are free."""
    jobs_running: int = Field(0, alias="jobs-running")
    """How many jobs run."""


class ClusterConfig(_Answer):
    """What a cluster says of itself."""

    flink_version: Text = Field(alias="flink-version")
    """Such as ``2.3.0``."""
    flink_revision: Text = Field("", alias="flink-revision")
    """The commit that it was built from."""
    features: Mapping[str, bool] = {}
    """What its web interface may do: ``web-submit``, ``web-cancel`` and others."""

    @property
    def line(self) -> str:
        """The first two numbers of the version, such as ``2.3``."""
        return ".".join(self.flink_version.split(".")[:2])


class TaskManager(_Answer):
    """A TaskManager that is registered."""

    id: Text
    """Its name, such as ``10.0.0.7:41233-5d2c1f``, unless it was given another."""
    slots: int = Field(alias="slotsNumber")
    """Its slots."""
    free: int = Field(alias="freeSlots")
    """Those that are free."""
    path: Text = ""
    """Where its JobManager reaches it."""

    @property
    def host(self) -> str:
        """The host that it says it is on."""
        return self.path.partition("@")[2].partition("/")[0].rpartition(":")[0]


class JobSummary(_Answer):
    """A job in the list of jobs."""

    id: Text = Field(alias="jid")
    """32 hexadecimal digits."""
    name: Text
    """What it is called; several may be called the same."""
    state: Text
    """Such as ``RUNNING``."""
    started: Seconds = Field(alias="start-time")
    """When, in seconds since 1970."""
    ended: MaybeSeconds = Field(None, alias="end-time")
    """When, or ``None`` while it is not over."""
    duration: Seconds = 0.0
    """Seconds from its start to now, or to its end."""
    tasks: Mapping[str, int] = {}
    """How many of its tasks are in which state, and ``total``."""

    @property
    def is_over(self) -> bool:
        """Whether it will run no more."""
        return self.state in ENDED


class Vertex(_Answer):
    """Operators of a job that run together, chained."""

    id: Text
    """Flink's id of it."""
    name: Text
    """Its operators' names."""
    parallelism: int
    """How many subtasks it has."""
    state: Text = Field(alias="status")
    """The state of its subtasks, taken together."""
    group: Text = Field("", alias="slotSharingGroupId")
    """Vertices of one group share slots."""
    tasks: Mapping[str, int] = {}
    """How many of its subtasks are in which state."""


class Job(_Answer):
    """A job in full. Flink keeps what it says here for some seconds: it may be 3 s old."""

    id: Text = Field(alias="jid")
    """32 hexadecimal digits."""
    name: Text
    """What it is called."""
    state: Text
    """Such as ``RUNNING``."""
    started: Seconds = Field(0.0, alias="start-time")
    """When, in seconds since 1970."""
    ended: MaybeSeconds = Field(None, alias="end-time")
    """When, or ``None`` while it is not over."""
    now: Seconds = 0.0
    """The cluster's clock when it said this."""
    timestamps: Mapping[str, Seconds] = {}
    """When it last came into each state; 0 for never."""
    vertices: tuple[Vertex, ...] = ()
    """What it consists of."""

    @property
    def is_over(self) -> bool:
        """Whether it will run no more."""
        return self.state in ENDED

    @property
    def since(self) -> float:
        """When it came into its state, in seconds since 1970."""
        return self.timestamps.get(self.state, 0.0)

    @property
    def slots(self) -> int:
        """How many slots it needs: the widest vertex of each slot sharing group."""
        widest: dict[str, int] = {}
        for one in self.vertices:
            group = one.group or one.id
            widest[group] = max(widest.get(group, 0), one.parallelism)
        return sum(widest.values())

    @property
    def unplaced(self) -> int:
        """How many subtasks wait for a slot."""
        return sum(one.tasks.get("SCHEDULED", 0) for one in self.vertices)


class Placement(_Answer):
    """Where a subtask runs, or ran last."""

    vertex: str = ""
    """Its vertex's id."""
    subtask: int
    """Its number, from 0."""
    state: Text = Field(alias="status")
    """Its state."""
    taskmanager: Place = Field("", alias="taskmanager-id")
    """The id of its TaskManager; nothing while it has none."""
    endpoint: Place = ""
    """Host and port of that."""


class Checkpoint(_Answer):
    """A checkpoint or savepoint that was triggered."""

    id: int
    """Its number."""
    state: Text = Field(alias="status")
    """``COMPLETED``, ``IN_PROGRESS`` or ``FAILED``."""
    is_savepoint: bool = False
    """Whether it was asked for."""
    triggered: Seconds = Field(alias="trigger_timestamp")
    """When, in seconds since 1970."""
    acknowledged: MaybeSeconds = Field(None, alias="latest_ack_timestamp")
    """When its last subtask was done."""
    duration: MaybeSeconds = Field(None, alias="end_to_end_duration")
    """Seconds that it took."""
    size: int = Field(0, alias="state_size")
    """Bytes of the job's state in it."""
    path: Text = Field("", alias="external_path")
    """Where it is."""
    failure: Text = Field("", alias="failure_message")
    """Why it failed, in Flink's words."""


class _Latest(_Answer):
    completed: Checkpoint | None = None
    failed: Checkpoint | None = None
    savepoint: Checkpoint | None = None


class Checkpoints(_Answer):
    """The checkpoints of a job."""

    counts: Mapping[str, int] = {}
    """How many are ``completed``, ``failed``, ``in_progress``, and ``restored`` from."""
    latest: _Latest = _Latest()
    """The newest that is ``completed`` or ``failed``, and the newest ``savepoint``."""


class Backpressure(_Answer):
    """Whether a vertex is slowed down by those after it."""

    status: Text = "ok"
    """``ok``, or ``deprecated`` while it is measured."""
    level: Text = Field("", alias="backpressureLevel")
    """``ok``, ``low`` or ``high``; nothing while it is not known."""


class ExceptionEntry(_Answer):
    """One failure of a job, as Flink tells it."""

    name: Text = Field("", alias="exceptionName")
    """The Java class of the outermost exception."""
    stacktrace: LongText = ""
    """All of it."""
    time: Seconds = Field(0.0, alias="timestamp")
    """When, in seconds since 1970."""
    task: Text = Field("", alias="taskName")
    """The subtask that failed, where it was one."""
    endpoint: Place = ""
    """Its host and port."""
    taskmanager: Place = Field("", alias="taskManagerId")
    """Its TaskManager's id."""
    concurrent: tuple[ExceptionEntry, ...] = Field((), alias="concurrentExceptions")
    """What failed at the same time, or the same with its place."""


class JobExceptions(_Answer):
    """The failures of a job, newest first."""

    entries: tuple[ExceptionEntry, ...] = ()
    """As far as Flink keeps them: the last 16, unless it is set otherwise."""
    truncated: bool = False
    """Whether there are more."""


class SavepointStatus(_Answer):
    """How far a savepoint is that was asked for."""

    state: Text
    """``IN_PROGRESS`` or ``COMPLETED``; what has failed is completed too."""
    location: Text = ""
    """Where it is, when it is done."""
    failure: LongText = ""
    """Flink's stack trace, when it failed."""

    @property
    def is_over(self) -> bool:
        """Whether it is done, or has failed."""
        return self.state != "IN_PROGRESS"


class LogFile(_Answer):
    """A file in the log folder of a TaskManager; other processes' files may lie there too."""

    name: Text
    """Its name."""
    size: int
    """Its bytes."""
    changed: Seconds = Field(0.0, alias="mtime")
    """When it was last written, in seconds since 1970."""
