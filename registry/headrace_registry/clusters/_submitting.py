"""Starting a job's zip on a cluster: checked first, then uploaded, then watched until it runs."""

from __future__ import annotations

import re
import secrets
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.jobs.driver import CHECKPOINT_FOLDERS, Order
from headrace.jobs.manifest import read_manifest
from headrace.settings import PREFIX
from headrace_registry.client import cache_folder
from headrace_registry.clusters._compiling import Compilation, CompileError, HostError
from headrace_registry.clusters._jars import lacking, missing_jars
from headrace_registry.clusters._local_errors import ClusterError
from headrace_registry.clusters._probing import (
    UnfitClusterError,
    known_workers,
    probe_workers,
    unmet,
    write_probe,
)
from headrace_registry.clusters._rest_errors import RejectedError
from headrace_registry.clusters._rest_following import follow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from headrace.jobs.driver import Graph
    from headrace.jobs.manifest import FilesIO, JobManifest
    from headrace_registry.clusters._probing import Workers
    from headrace_registry.clusters._rest import FlinkRest
    from headrace_registry.clusters._rest_following import JobState
    from headrace_registry.clusters._rest_words import Failure

__all__ = [
    "FailingJobError",
    "Prepared",
    "Submission",
    "Wish",
    "prepare",
    "start",
    "submit",
    "watch_start",
]

_HOPELESS = frozenset({"python missing", "state", "class"})
"""Failures that another try cannot mend: the job is taken off the cluster again."""
_NUMBERS = re.compile(r"\b[0-9a-f]{8,}\b|\d+")
_TRIES = 3
"""So often a job may fail in the same way in a row, until nobody needs to watch it any longer."""
_ROW = 300.0
"""Seconds between two failures of a row; Flink waits a minute at most before it tries again."""


class FailingJobError(ClusterError):
    """A job that fails in the same way each time; it was left on the cluster."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a job is to run."""

    name: str | None = None
    """What it is called; the manifest's name where ``None``."""
    parallelism: int | None = None
    """Subtasks of each operator."""
    savepoint: str | None = None
    """The savepoint or checkpoint to go on from."""
    allow_lost_state: bool = False
    """Whether state that no operator takes is dropped."""
    settings: Mapping[str, str] | None = None
    """Flink's settings."""
    typed: Mapping[str, str] | None = None
    """Settings and values of the agents."""
    files: FilesIO | None = None
    """What a job over files reads and writes."""
    follow: bool = False
    """Whether a job over files waits for more of them."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A job that was checked against a cluster and can be uploaded."""

    zip: Path
    """The zip."""
    home: Path
    """Where it is unpacked here."""
    manifest: JobManifest
    """What is in it."""
    graph: Graph
    """Its graph, in files of the ``scratch`` of ``prepare``."""
    compilation: Compilation
    """What made it; ends with the ``with`` of ``prepare``."""

    def from_savepoint(self, path: str) -> Prepared:
        """The same job, going on from a savepoint; where ``prepare`` was told to wait for it."""
        return replace(self, graph=self.compilation.from_savepoint(path))


@dataclass(frozen=True, slots=True)
class Submission:
    """A job that was started."""

    job: str
    """Its id."""
    name: str
    """What it is called."""
    url: str
    """Its page in Flink's web interface."""
    parallelism: int
    """Its slots."""


@contextmanager
def prepare(
    rest: FlinkRest,
    path: Path,
    home: Path,
    wish: Wish,
    scratch: Path,
    *,
    freed: int = 0,
    probe: bool = True,
    waits: bool = False,
    pending: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Iterator[Prepared]:
    """Checks a job against a cluster, and makes its graph; nothing is changed there.

    Args:
        rest: The cluster.
        path: The zip, verified.
        home: Where it is unpacked here.
        wish: How it is to run.
        scratch: A folder for the graph, until it is uploaded.
        freed: Slots that will be free once another job has stopped.
        probe: Whether the workers are asked what they have, by a small job.
        waits: Whether a savepoint will be named later, see ``Prepared.from_savepoint``.
        pending: Whether it is the job instead that tells which unfinished runs fit its code.
        tell: Is told what is being done.

    Raises:
        UnfitClusterError: The cluster cannot run it; says all that it lacks.
        CompileError: The job cannot be put together.
        ClusterError: The cluster is away.
    """
    say = tell or (lambda _: None)
    manifest = read_manifest(home)
    _check_version(rest, manifest)
    workers = known_workers(rest, manifest, cache_folder()) if probe else None
    asks = probe and workers is None
    if asks:
        write_probe(manifest, scratch / "probe.zip")
    say("putting the job together")
    order = Order(
        action="compile",
        archive=str(path.resolve()),
        graph=str(scratch),
        probe=str(scratch / "probe.zip") if asks else None,
        waits=waits,
        pending=pending,
        job_id=secrets.token_hex(16),
        name=wish.name,
        parallelism=wish.parallelism,
        savepoint=wish.savepoint,
        allow_lost_state=wish.allow_lost_state,
        settings=dict(wish.settings or {}),
        typed=dict(wish.typed or {}),
        cluster={
            key: one
            for key, one in rest.settings().items()
            if key.startswith(PREFIX) or key in CHECKPOINT_FOLDERS
        },
        **({"files": wish.files} if wish.files is not None else {}),
        follow=wish.follow,
    )
    try:
        compiling = Compilation.of_job(home, manifest, order)
    except HostError:
        _check_workers(rest, workers, manifest)
        if asks:  # what the cluster lacks says more than what is lacking here
            with (
                suppress(CompileError),
                Compilation.of_probe(scratch / "probe.zip", scratch) as probing,
            ):
                _check_workers(
                    rest, probe_workers(rest, probing.graph, manifest, cache_folder()), manifest
                )
        raise
    with compiling as compilation:
        graph = compilation.graph
        _check_slots(rest, graph, freed)
        if note := lacking(rest, manifest.engine.version):
            say(note)
        if asks and graph.probe is not None:
            say("asking the workers what they have")
            workers = probe_workers(rest, graph.probe, manifest, cache_folder())
        _check_workers(rest, workers, manifest)
        yield Prepared(path, home, manifest, graph, compilation)


def _check_workers(rest: FlinkRest, workers: Workers | None, manifest: JobManifest) -> None:
    faults = [] if workers is None else unmet(workers, manifest)
    if faults:
        raise UnfitClusterError(
            "\n".join([f"the cluster at {rest.url} cannot run this job:", *faults])
        )


def start(
    rest: FlinkRest, prepared: Prepared, *, progress: Callable[[int, int], None] | None = None
) -> Submission:
    """Uploads a job and starts it.

    Raises:
        RejectedError: Flink does not take it.
        ClusterError: The cluster is away.
    """
    graph = prepared.graph
    job = rest.submit(
        Path(graph.path),
        jars=missing_jars(rest, graph.jars),
        artifacts={name: Path(one) for name, one in graph.artifacts.items()},
        progress=progress,
    )
    url = f"{rest.url}/#/job/running/{job}/overview"
    return Submission(job, graph.name, url, graph.parallelism)


def submit(
    rest: FlinkRest,
    path: Path,
    home: Path,
    wish: Wish,
    *,
    probe: bool = True,
    tell: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Submission:
    """Checks a job against a cluster, uploads it and starts it; see ``prepare`` and ``start``."""
    with (
        tempfile.TemporaryDirectory(prefix="agents-submit-") as scratch,
        prepare(rest, path, home, wish, Path(scratch), probe=probe, tell=tell) as prepared,
    ):
        return start(rest, prepared, progress=progress)


def watch_start(
    rest: FlinkRest,
    job: str,
    *,
    on_state: Callable[[JobState], None] | None = None,
    on_exception: Callable[[Failure], None] | None = None,
    until: frozenset[str] = frozenset(),
) -> JobState:
    """Follows a job to its end, or until it is plain that it will not come to one.

    A job that cannot start, or fails in the same way each time before its first checkpoint, is
    taken off the cluster again. One that has a checkpoint has work to lose, and is left there.

    Args:
        rest: The cluster.
        job: The job's id.
        on_state: Told each state.
        on_exception: Told each failure.
        until: States to stop at, beside the ends.

    Raises:
        UnfitClusterError: It cannot start there, whatever is tried; it was cancelled.
        FailingJobError: It fails in the same way each time, and was left on the cluster.
    """
    hopeless: list[Failure] = []
    told: set[str] = set()
    row: list[float] = []
    last = ""

    def failed(failure: Failure) -> None:
        nonlocal last
        kind = _NUMBERS.sub("#", failure.summary)  # runs and attempts have others each time
        if kind != last or (row and failure.time - row[-1] > _ROW):
            row.clear()
        last = kind
        row.append(failure.time)
        if on_exception is not None and kind not in told:
            on_exception(failure)
        told.add(kind)
        again = len(row) >= _TRIES
        if hopeless or not (again or failure.kind in _HOPELESS):
            return
        if again and rest.checkpoints(job).counts.get("completed", 0):
            raise FailingJobError(
                f"the job failed {len(row)} times in the same way; Flink goes on trying\n"
                f"  where: {job} at {rest.url}\n  why:   {failure.summary}\n"
                f"  next: agents jobs show {job[:8]}, or to end it: agents jobs cancel {job[:8]}"
            )
        hopeless.append(failure)
        with suppress(RejectedError):  # it is over already
            rest.cancel(job)

    state = follow(
        rest, job, on_state=on_state, on_exception=failed, until=until or frozenset({"FINISHED"})
    )
    if hopeless:
        why = hopeless[0]
        text = f"the cluster at {rest.url} cannot run this job, and it was cancelled there\n"
        text += f"  why:   {why.summary}" + (f"\n{why.printed}" if why.printed else "")
        raise UnfitClusterError(text + (f"\n  next: {why.then}" if why.then else ""))
    return state


def _check_version(rest: FlinkRest, manifest: JobManifest) -> None:
    found = rest.config()
    if found.line != manifest.engine.line:
        raise UnfitClusterError(
            f"the cluster at {rest.url} is Flink {found.flink_version}, and the job was built "
            f"for {manifest.engine.line}\n  why:   a job's graph is read by the same Flink only\n"
            f"  next: lock apache-flink of the line {found.line} and build the job anew, or use a "
            f"cluster of Flink {manifest.engine.line}"
        )


def _check_slots(rest: FlinkRest, graph: Graph, freed: int) -> None:
    overview = rest.overview()
    free = overview.slots_available + freed
    if graph.parallelism > free:
        raise UnfitClusterError(
            f"the job needs {graph.parallelism} slots, and the cluster at {rest.url} has {free} "
            f"free of {overview.slots_total}\n  next: --parallelism {max(free, 1)}, add "
            "TaskManagers, or end another job (agents jobs list)"
        )
