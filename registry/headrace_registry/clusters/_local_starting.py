"""A development cluster started: all of it, or nothing."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from headrace_registry.clusters._local_cluster import LocalCluster
from headrace_registry.clusters._local_errors import ClusterExistsError
from headrace_registry.clusters._local_flink import find_flink, find_java, find_python
from headrace_registry.clusters._local_folders import KEPT, clear, held, make
from headrace_registry.clusters._local_launching import Launcher, write_interpreters
from headrace_registry.clusters._local_memory import divided, jobmanager_memory
from headrace_registry.clusters._local_ports import check_free, free_ports
from headrace_registry.clusters._local_record import (
    JOBMANAGER,
    RECORD,
    TASKMANAGER,
    ZOOKEEPER,
    Record,
    clusters_folder,
    write_record,
)
from headrace_registry.clusters._local_settings import (
    HOST,
    Ports,
    settings_of,
    write_settings,
)
from headrace_registry.clusters._local_waiting import START_WAIT, PartEndedError, until_ready

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headrace_registry.clusters._local_flink import Flink, Interpreter, Java
    from headrace_registry.clusters._local_spec import ClusterSpec

__all__ = ["start_cluster"]

_TRIES = 3
"""How often other ports are tried where one was taken in the moment between."""


def start_cluster(
    spec: ClusterSpec,
    *,
    cache: Path | None = None,
    progress: Callable[[str], None] | None = None,
    wait: float = START_WAIT,
) -> LocalCluster:
    """Starts a cluster, and waits until all its TaskManagers are there.

    Args:
        spec: What it is to be.
        cache: Where its folder is made; by default headrace's cache.
        progress: Told what has come up.
        wait: For how many seconds at most.

    Raises:
        ClusterExistsError: There is one of this name.
        ClusterStartError: It did not come up; says why. Nothing of it is left.
        ClusterSpecError: Its memory does not go together. Nothing of it is left.
        BusyError: Another command starts or stops it.
    """
    folder = clusters_folder(cache) / spec.name
    with held(folder):
        if (folder / RECORD).exists():
            raise _exists(folder)
        clear(folder, keep=KEPT)  # what an `up` left that was killed
        flink, java, python = find_flink(), find_java(), find_python(spec.python)
        if spec.port is not None:
            check_free(spec.port)
        kept = [name for name in KEPT if (folder / name).exists()]
        for attempt in range(1, _TRIES + 1):
            try:
                made = _Start(spec, folder, flink, java, python)
                return made.run(progress, wait)
            except BaseException as error:
                clear(folder, keep=kept)
                again = isinstance(error, PartEndedError) and error.port_taken
                if not again or spec.port is not None or attempt == _TRIES:
                    raise
    raise AssertionError("the last try either returns or raises")


class _Start:
    """One try."""

    def __init__(
        self, spec: ClusterSpec, folder: Path, flink: Flink, java: Java, python: Interpreter
    ) -> None:
        self._spec = spec
        self._folder = folder
        self._flink = flink
        self._java = java
        self._python = python
        rest, rpc, zookeeper = free_ports(3)
        self._ports = Ports(spec.port or rest, rpc, zookeeper if spec.high_availability else None)

    def run(self, progress: Callable[[str], None] | None, wait: float) -> LocalCluster:
        spec, folder, flink, java = self._spec, self._folder, self._flink, self._java
        make(folder)
        settings = settings_of(spec, flink, folder, self._ports)
        write_settings(folder, settings, flink, self._ports)
        write_interpreters(folder, self._python)
        launcher = Launcher(folder, flink, java, settings, spec.environment)
        parts = [launcher.start(ZOOKEEPER)] if spec.high_availability else []
        jobmanager = jobmanager_memory(folder, flink, java, settings)
        parts.append(launcher.start(JOBMANAGER, memory=jobmanager))
        if progress is not None:
            progress("the JobManager starts")
        taskmanager = divided(TASKMANAGER, folder, flink, java)
        parts += [
            launcher.start(TASKMANAGER, index, memory=taskmanager)
            for index in range(1, spec.taskmanagers + 1)
        ]
        until_ready(f"{HOST}:{self._ports.rest}", parts, progress=progress, wait=wait)
        record = Record(
            format=1,
            name=spec.name,
            rest=self._ports.rest,
            flink_home=str(flink.home),
            flink_version=flink.version,
            java_home=str(java.home),
            java_version=java.version,
            python=str(self._python.path),
            python_version=self._python.version,
            slots=spec.slots,
            taskmanager=taskmanager,
            jobmanager=jobmanager,
            variables=tuple(sorted(spec.environment)),
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            processes=tuple(parts),
        )
        write_record(folder, record)
        return LocalCluster(folder, record, dict(spec.environment))


def _exists(folder: Path) -> ClusterExistsError:
    name = folder.name
    cluster = LocalCluster.read(folder)
    dead = [one.label for one in cluster.processes if not one.lives]
    if not dead:
        return ClusterExistsError(
            f"the cluster {name} runs already\n  where: http://{cluster.address}\n"
            f"  next:  use it; or: agents cluster down {name}; or give another name"
        )
    return ClusterExistsError(
        f"there is a cluster {name}, and parts of it are gone: {', '.join(dead)}\n"
        f"  where: {folder}\n"
        f"  next:  agents cluster up {name} --restart starts them again; "
        f"agents cluster down {name} ends it"
    )
