"""Flink's REST API (v1, Flink 2.x), typed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from headrace_registry.clusters._local_errors import ClusterError
from headrace_registry.clusters._rest_errors import (
    NoSuchJobError,
    NoSuchTaskManagerError,
    NotAClusterError,
    described,
)
from headrace_registry.clusters._rest_http import Connection, RestLimits, no_job
from headrace_registry.clusters._rest_values import (
    Backpressure,
    Checkpoints,
    ClusterConfig,
    Job,
    JobExceptions,
    JobSummary,
    LogFile,
    Overview,
    Placement,
    SavepointStatus,
    TaskManager,
    printable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from headrace_registry.clusters._rest_values import Vertex

__all__ = ["FlinkRest"]

_ID = re.compile(r"[0-9a-f]{32}")
_Read = TypeVar("_Read")


class FlinkRest:
    """A cluster, asked over HTTP. One thread at a time.

    Every method raises ``ClusterUnreachableError`` (nobody answers, or the JobManager cannot
    now), ``NotAClusterError`` and ``ClusterAccessError``; besides them what it names.

    Args:
        address: Host and port, or a URL.
        ca: A file with the authorities for its certificate, instead of the usual ones.
        proxy: The URL of a proxy; those of the environment are not used.
        limits: How long it may take, and how much it may say.

    Raises:
        NotAClusterError: The address is none.
    """

    def __init__(
        self,
        address: str,
        *,
        ca: Path | None = None,
        proxy: str | None = None,
        limits: RestLimits | None = None,
    ) -> None:
        self._connection = Connection(address, ca=ca, proxy=proxy, limits=limits or RestLimits())

    @property
    def url(self) -> str:
        """The address as a URL; its web interface is there too."""
        return self._connection.url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives connections back."""
        self._connection.close()

    # ---------------------------------------------------------------- the cluster
    def overview(self) -> Overview:
        """Its version, slots and jobs, counted."""
        return self._get(Overview, "/overview")

    def config(self) -> ClusterConfig:
        """What it says of itself."""
        return self._get(ClusterConfig, "/config")

    def settings(self) -> dict[str, str]:
        """The JobManager's settings; Flink hides those that look like secrets."""
        found = self._get(list[dict[str, str]], "/jobmanager/config")
        return {one["key"]: one.get("value", "") for one in found if "key" in one}

    def class_path(self) -> tuple[str, ...]:
        """The files that its JobManager has loaded; none where it does not tell."""
        try:
            found = self._get(list[str], "/jobmanager/environment", inside="classpath")
        except ClusterError:
            return ()
        return tuple(Path(one).name for part in found for one in part.split(":"))

    def taskmanagers(self) -> tuple[TaskManager, ...]:
        """Those that are registered."""
        return self._get(tuple[TaskManager, ...], "/taskmanagers", inside="taskmanagers")

    # ---------------------------------------------------------------- jobs
    def jobs(self) -> tuple[JobSummary, ...]:
        """Those that it runs or remembers, newest first."""
        found = self._get(tuple[JobSummary, ...], "/jobs/overview", inside="jobs")
        return tuple(sorted(found, key=lambda one: -one.started))

    def state(self, job: str) -> str:
        """The state of a job, as it is now.

        Raises:
            NoSuchJobError: There is none.
        """
        return self._get(str, f"{self._job(job)}/status", about=job, inside="status")

    def job(self, job: str) -> Job:
        """All of a job, as it was in the last seconds.

        Raises:
            NoSuchJobError: There is none.
        """
        return self._get(Job, self._job(job), about=job)

    def user_config(self, job: str) -> dict[str, str]:
        """A job's global parameters, which name the zip that it is from.

        Raises:
            NoSuchJobError: There is none.
        """
        said = self._get(dict[str, Any], f"{self._job(job)}/config", about=job)
        config = said.get("execution-config")
        found = config.get("user-config") if isinstance(config, dict) else None
        return {str(key): str(one) for key, one in found.items()} if isinstance(found, dict) else {}

    def exceptions(self, job: str, *, most: int = 20) -> JobExceptions:
        """What went wrong with a job, newest first, as it was in the last seconds.

        Raises:
            NoSuchJobError: There is none.
        """
        path = f"{self._job(job)}/exceptions"
        params = {"maxExceptions": str(most)}
        return self._get(JobExceptions, path, about=job, inside="exceptionHistory", params=params)

    def checkpoints(self, job: str) -> Checkpoints:
        """A job's checkpoints.

        Raises:
            NoSuchJobError: There is none.
            RejectedError: It takes no checkpoints.
        """
        return self._get(Checkpoints, f"{self._job(job)}/checkpoints", about=job)

    def metrics(self, job: str, names: Sequence[str]) -> dict[str, str]:
        """Some of a job's metrics, such as ``numRestarts``; those that it lacks are left out.

        Raises:
            NoSuchJobError: There is none.
        """
        path, params = f"{self._job(job)}/metrics", {"get": ",".join(names)}
        found = self._get(list[dict[str, str]], path, about=job, params=params)
        return {one["id"]: printable(one["value"]) for one in found if {"id", "value"} <= set(one)}

    def backpressure(self, job: str, vertex: str) -> Backpressure:
        """Whether a vertex is slowed down; Flink measures it once it was asked.

        Raises:
            NoSuchJobError: There is none.
        """
        path = f"{self._vertex(job, vertex)}/backpressure"
        return self._get(Backpressure, path, about=job)

    def placements(self, job: str, vertices: Sequence[Vertex] = ()) -> tuple[Placement, ...]:
        """Where the subtasks of a job run, or ran last.

        Args:
            job: Its id.
            vertices: Those that are asked for; all, if none is given.

        Raises:
            NoSuchJobError: There is none.
        """
        found: list[Placement] = []
        for vertex in vertices or self.job(job).vertices:
            path = self._vertex(job, vertex.id)
            places = self._get(tuple[Placement, ...], path, about=job, inside="subtasks")
            found += [one.model_copy(update={"vertex": vertex.id}) for one in places]
        return tuple(found)

    # ---------------------------------------------------------------- changes
    def cancel(self, job: str) -> None:
        """Asks for the end of a job; it is over some time later.

        Raises:
            NoSuchJobError: There is none.
            RejectedError: It is over already.
        """
        self._connection.ask("PATCH", self._job(job), about=job, params={"mode": "cancel"})

    def stop(self, job: str, directory: str | None = None, *, drain: bool = False) -> str:
        """Asks for a savepoint and then the end of a job.

        Args:
            job: Its id.
            directory: Where to; the cluster's own folder for savepoints, if ``None``.
            drain: Whether all windows and timers are to fire first: for a job that is not to
                go on later.

        Returns:
            What ``savepoint_status`` asks by.

        Raises:
            NoSuchJobError: There is none.
            RejectedError: The cluster has no folder for savepoints, and none was given.
        """
        wish = {"drain": drain, **({"targetDirectory": directory} if directory else {})}
        return self._triggered(f"{self._job(job)}/stop", job, wish)

    def savepoint(self, job: str, directory: str | None = None) -> str:
        """Asks for a savepoint of a job that goes on.

        Args:
            job: Its id.
            directory: Where to; the cluster's own folder for savepoints, if ``None``.

        Returns:
            What ``savepoint_status`` asks by.

        Raises:
            NoSuchJobError: There is none.
            RejectedError: The cluster has no folder for savepoints, and none was given.
        """
        wish = {"cancel-job": False, **({"target-directory": directory} if directory else {})}
        return self._triggered(f"{self._job(job)}/savepoints", job, wish)

    def savepoint_status(self, job: str, trigger: str) -> SavepointStatus:
        """How far a savepoint is.

        Raises:
            NoSuchJobError: There is no such job.
            RejectedError: There is no such savepoint; the JobManager may have been lost.
        """
        path = f"{self._job(job)}/savepoints/{quote(trigger, safe='')}"
        said = self._get(dict[str, Any], path, about=job)
        status, operation = said.get("status"), said.get("operation")
        cause = operation.get("failure-cause") if isinstance(operation, dict) else None
        data = {
            "state": status.get("id") if isinstance(status, dict) else None,
            "location": operation.get("location", "") if isinstance(operation, dict) else "",
            "failure": cause.get("stack-trace", "") if isinstance(cause, dict) else "",
        }
        return self._read(SavepointStatus, data)

    def dispose(self, savepoint: str) -> None:
        """Asks for a savepoint's files to be thrown away; they are gone some time later.

        Raises:
            RejectedError: The cluster does not take it.
        """
        wish = {"savepoint-path": savepoint}
        self._connection.ask("POST", "/savepoint-disposal", json=wish)

    def submit(
        self,
        graph: Path,
        *,
        jars: Sequence[Path] = (),
        artifacts: Mapping[str, Path] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> str:
        """Uploads a job and starts it.

        Args:
            graph: A serialized execution plan, as Flink's client makes it.
            jars: Its jars.
            artifacts: Files that its tasks get, by the name that they ask for.
            progress: Told how many bytes were sent, and how many there are.

        Returns:
            The job's id.

        Raises:
            RejectedError: Flink does not take it.
            OSError: A file cannot be read.
        """
        from headrace_registry.clusters._rest_form import SubmitForm

        form = SubmitForm(graph, jars=jars, artifacts=artifacts or {}, progress=progress)
        headers = {"Content-Type": form.content_type}
        said = self._connection.ask("POST", "/jobs", data=form, headers=headers)
        url = self._read(str, said.get("jobUrl") if isinstance(said, dict) else None)
        job = url.rpartition("/")[2]
        if not _ID.fullmatch(job):
            raise self._strange()
        return job

    # ---------------------------------------------------------------- logs
    def logs(self, taskmanager: str) -> tuple[LogFile, ...]:
        """The files in a TaskManager's log folder.

        Raises:
            NoSuchTaskManagerError: There is none.
        """
        path = f"{self._taskmanager(taskmanager)}/logs"
        return self._get(tuple[LogFile, ...], path, about=taskmanager, inside="logs")

    def log(self, taskmanager: str, name: str | None = None, *, offset: int = 0) -> Iterator[bytes]:
        """The bytes of a log.

        Args:
            taskmanager: The TaskManager's id.
            name: The file's name; the TaskManager's own log, if ``None``.
            offset: How many bytes are known already. A file that is shorter was begun anew, and
                is given from its start.

        Raises:
            NoSuchTaskManagerError: There is none, or it has no such file.
        """
        if name is not None and ("/" in name or name in ("", ".", "..")):
            raise NoSuchTaskManagerError(described(f"there is no log {name!r}", where=self.url))
        path = "/log" if name is None else f"/logs/{quote(name, safe='')}"
        about = taskmanager if name is None else name
        return self._file(f"{self._taskmanager(taskmanager)}{path}", about, offset)

    def stdout(self, taskmanager: str, *, offset: int = 0) -> Iterator[bytes]:
        """What a TaskManager printed, such as what sinks that print do.

        Raises:
            NoSuchTaskManagerError: There is none, or it keeps no such file.
        """
        return self._file(f"{self._taskmanager(taskmanager)}/stdout", taskmanager, offset)

    def _file(self, path: str, about: str, offset: int) -> Iterator[bytes]:
        with self._connection.stream(path, about=about) as (length, pieces):
            if length == offset:  # nothing new: it need not be sent
                return
            skip = offset if offset <= length or length < 0 else 0
            for piece in pieces:
                kept = piece[skip:]
                skip = max(0, skip - len(piece))
                if kept:
                    yield kept

    # ---------------------------------------------------------------- parts
    def _triggered(self, path: str, job: str, wish: Mapping[str, Any]) -> str:
        said = self._connection.ask("POST", path, about=job, json=wish)
        return self._read(str, said.get("request-id") if isinstance(said, dict) else None)

    def _get(
        self,
        kind: type[_Read],
        path: str,
        *,
        about: str = "",
        inside: str = "",
        params: Mapping[str, str] | None = None,
    ) -> _Read:
        said = self._connection.ask("GET", path, about=about, params=params)
        if inside:
            said = said.get(inside) if isinstance(said, dict) else None
        return self._read(kind, said)

    def _read(self, kind: type[_Read], said: Any) -> _Read:
        try:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                return kind.model_validate(said)
            return TypeAdapter(kind).validate_python(said)
        except ValidationError:
            raise self._strange() from None

    def _strange(self) -> NotAClusterError:
        return NotAClusterError(
            described(
                "what answers there is no Flink cluster, or none of Flink 2.x",
                where=self.url,
                why="its answer is not what Flink would say",
            )
        )

    def _job(self, job: str) -> str:
        if not _ID.fullmatch(job):
            raise NoSuchJobError(no_job(repr(job), self.url))
        return f"/jobs/{job}"

    def _vertex(self, job: str, vertex: str) -> str:
        return f"{self._job(job)}/vertices/{quote(vertex, safe='')}"

    def _taskmanager(self, taskmanager: str) -> str:
        if "/" in taskmanager or taskmanager in ("", ".", ".."):
            raise NoSuchTaskManagerError(
                described(f"there is no TaskManager {taskmanager!r}", where=self.url)
            )
        return f"/taskmanagers/{quote(taskmanager, safe='')}"
