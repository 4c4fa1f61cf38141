"""Parts of a cluster started again, or more of them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_registry.clusters._local_errors import ClusterStartError
from headrace_registry.clusters._local_flink import Flink, Java
from headrace_registry.clusters._local_launching import Launcher
from headrace_registry.clusters._local_memory import END_OF_OPTIONS
from headrace_registry.clusters._local_processes import environment_of, kill
from headrace_registry.clusters._local_record import JOBMANAGER, TASKMANAGER, write_record
from headrace_registry.clusters._local_settings import read_settings
from headrace_registry.clusters._local_waiting import PartEndedError, until_ready

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace_registry.clusters._local_cluster import LocalCluster
    from headrace_registry.clusters._local_record import ClusterProcess

__all__ = ["start_parts"]


def start_parts(
    cluster: LocalCluster,
    parts: Sequence[ClusterProcess],
    environment: Mapping[str, str] | None,
    progress: Callable[[str], None] | None,
) -> LocalCluster:
    """Starts parts, in the place of those of the same role and index, and waits for all.

    Args:
        cluster: Which, as it is now; its folder is held.
        parts: What to start.
        environment: The variables that jobs see, where they are not those of before.
        progress: Told what has come up.

    Raises:
        ClusterStartError: A part did not come up, or a variable is lacking. What was started is
            ended again, and the rest runs on.
    """
    given = _given(cluster, environment)
    launcher = _launcher(cluster, given)
    memory = {JOBMANAGER: cluster.record.jobmanager, TASKMANAGER: cluster.record.taskmanager}
    processes = {(one.role, one.index): one for one in cluster.processes}
    started: list[ClusterProcess] = []
    wanted = list(parts)
    try:
        while wanted:
            for part in wanted:
                new = launcher.start(
                    part.role, part.index, memory=memory.get(part.role, (END_OF_OPTIONS,))
                )
                started.append(new)
                processes[part.role, part.index] = new
            wanted = _ended_meanwhile(cluster, processes, started, progress)
        names = tuple(sorted({*cluster.record.variables, *given}))
        record = replace(cluster.record, processes=tuple(processes.values()), variables=names)
        write_record(cluster.folder, record)
    except BaseException:
        kill([one.running for one in started])
        raise
    return replace(cluster, record=record, given=given)


def _ended_meanwhile(
    cluster: LocalCluster,
    processes: Mapping[tuple[str, int], ClusterProcess],
    started: Sequence[ClusterProcess],
    progress: Callable[[str], None] | None,
) -> list[ClusterProcess]:
    """Waits for all parts; those that ran before and have ended since.

    A TaskManager that loses its JobManager in the middle of a bundle may end itself: cancelling
    the task makes Beam count a reference below zero, which Flink takes for fatal.
    """
    try:
        until_ready(cluster.address, tuple(processes.values()), progress=progress)
    except PartEndedError as error:
        if error.part in started:
            raise
        return [error.part]
    return []


def _launcher(cluster: LocalCluster, given: Mapping[str, str]) -> Launcher:
    record = cluster.record
    flink = Flink(Path(record.flink_home), record.flink_version)
    java = Java(Path(record.java_home), record.java_version, "")
    if not flink.class_path or not java.program.exists():
        raise ClusterStartError(
            f"the Flink or the Java of the cluster {cluster.name} is gone\n"
            f"  where: {flink.home}, {java.home}\n"
            f"  next:  agents cluster down {cluster.name}, and start it anew"
        )
    return Launcher(cluster.folder, flink, java, read_settings(cluster.folder), given)


def _given(cluster: LocalCluster, environment: Mapping[str, str] | None) -> dict[str, str]:
    """The variables for jobs: written nowhere, they are taken from where they are still."""
    found = {**cluster.given, **(environment or {})}
    alive = [one for one in cluster.processes if one.role == TASKMANAGER and one.lives]
    places = [environment_of(one.running) for one in alive[:1]] + [dict(os.environ)]
    names = cluster.record.variables
    for name in names:
        for place in places:
            if name not in found and name in place:
                found[name] = place[name]
    if lacking := [name for name in names if name not in found]:
        raise ClusterStartError(
            f"jobs of the cluster {cluster.name} were given {', '.join(lacking)}, whose values "
            "are written nowhere\n"
            f"  next:  give them again: --env {lacking[0]}=VALUE"
        )
    return found
