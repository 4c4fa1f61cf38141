"""A development cluster that was started: found again, repaired, ended."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from headrace_registry.clusters._local_errors import ClusterError, NoSuchClusterError
from headrace_registry.clusters._local_folders import KEPT, clear, held
from headrace_registry.clusters._local_processes import end, kill
from headrace_registry.clusters._local_record import (
    RECORD,
    TASKMANAGER,
    ClusterProcess,
    Record,
    clusters_folder,
    read_record,
)
from headrace_registry.clusters._local_spec import check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["LocalCluster", "clusters", "find_cluster", "remains", "remove_cluster"]

_END_WAIT = 12.0  # seconds; Flink ends itself hard after five


@dataclass(frozen=True, slots=True)
class LocalCluster:
    """A cluster on this machine, as its folder tells.

    ``processes`` are those of the moment when it was read; methods look anew.
    """

    folder: Path
    record: Record
    given: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """The variables that jobs were given, where this process gave them."""

    @classmethod
    def read(cls, folder: Path) -> LocalCluster:
        """The cluster of a folder.

        Raises:
            FileNotFoundError: There is none.
            ClusterError: What is known of it cannot be read.
        """
        return cls(folder, read_record(folder))

    @property
    def name(self) -> str:
        """What it is called."""
        return self.record.name

    @property
    def address(self) -> str:
        """Of the REST API and the web interface: host and port."""
        return self.record.address

    @property
    def flink_version(self) -> str:
        """The version of Flink that it runs."""
        return self.record.flink_version

    @property
    def processes(self) -> tuple[ClusterProcess, ...]:
        """Its parts."""
        return self.record.processes

    def stop(self, *, keep: bool = False) -> None:
        """Ends it, workers that were left behind too, and removes its folder.

        Args:
            keep: Checkpoints and savepoints stay in the folder.

        Raises:
            BusyError: Another command starts or stops it.
        """
        with held(self.folder):
            try:
                parts = read_record(self.folder).processes
            except (FileNotFoundError, ClusterError):
                parts = ()  # what carries its mark is found without it
            end([one.running for one in parts], wait=_END_WAIT)
            clear(self.folder, keep=KEPT if keep else ())

    def kill(self, role: str, index: int = 1) -> ClusterProcess:
        """Ends a part by SIGKILL, for tests of recovery.

        Args:
            role: ``jobmanager``, ``taskmanager`` or ``zookeeper``.
            index: Which of them, from 1.

        Raises:
            ClusterError: There is no such part.
        """
        for part in read_record(self.folder).processes:
            if (part.role, part.index) == (role, index):
                kill([part.running])
                return part
        raise ClusterError(f"the cluster {self.name} has no {role} {index}")

    def start_missing(
        self,
        *,
        environment: Mapping[str, str] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> LocalCluster:
        """Starts those parts again that are gone, and waits until all are there.

        Args:
            environment: The variables that jobs see; by default those that it was started with,
                as far as they can be had.
            progress: Told what has come up.

        Raises:
            ClusterStartError: A part did not come up, or a variable is lacking; the rest runs on.
            BusyError: Another command starts or stops it.
        """
        from headrace_registry.clusters._local_repairing import start_parts

        with held(self.folder):
            now = replace(self, record=read_record(self.folder))
            missing = [one for one in now.processes if not one.lives]
            if not missing:
                return now
            return start_parts(now, missing, environment, progress)

    def add_taskmanager(
        self,
        *,
        environment: Mapping[str, str] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> LocalCluster:
        """Starts one more TaskManager, and waits until it is there.

        Raises:
            ClusterStartError: It did not come up, or a variable is lacking; the rest runs on.
            BusyError: Another command starts or stops it.
        """
        from headrace_registry.clusters._local_repairing import start_parts

        with held(self.folder):
            now = replace(self, record=read_record(self.folder))
            taken = [one.index for one in now.processes if one.role == TASKMANAGER]
            part = replace(now.processes[-1], role=TASKMANAGER, index=max(taken, default=0) + 1)
            return start_parts(now, [part], environment, progress)


def clusters(cache: Path | None = None) -> list[LocalCluster]:
    """The clusters of this machine that can be read, by name."""
    found = []
    for name in _names(cache):
        try:
            found.append(LocalCluster.read(clusters_folder(cache) / name))
        except (FileNotFoundError, ClusterError):
            continue
    return found


def find_cluster(name: str, cache: Path | None = None) -> LocalCluster:
    """The cluster of a name.

    Raises:
        NoSuchClusterError: There is none; lists those that are there.
        ClusterSpecError: It is no name of a cluster.
        ClusterError: What is known of it cannot be read.
    """
    check_name(name)
    try:
        return LocalCluster.read(clusters_folder(cache) / name)
    except FileNotFoundError:
        raise _no_such(name, cache) from None


def remove_cluster(name: str, cache: Path | None = None, *, keep: bool = False) -> None:
    """Ends what there is of a cluster, also of one that cannot be read or never came up.

    Raises:
        NoSuchClusterError: There is nothing of it; lists those that are there.
        ClusterSpecError: It is no name of a cluster.
        BusyError: Another command starts or stops it.
    """
    check_name(name)
    folder = clusters_folder(cache) / name
    if not folder.is_dir():
        raise _no_such(name, cache)
    try:
        cluster = LocalCluster.read(folder)
    except (FileNotFoundError, ClusterError):
        with held(folder):
            clear(folder, keep=KEPT if keep else ())
    else:
        cluster.stop(keep=keep)


def remains(cache: Path | None = None) -> list[str]:
    """The names of all clusters of which there is something to end; kept savepoints are none."""
    try:
        entries = list(clusters_folder(cache).iterdir())
    except FileNotFoundError:
        return []
    return sorted(one.name for one in entries if one.is_dir() and (one / "conf").is_dir())


def _no_such(name: str, cache: Path | None) -> NoSuchClusterError:
    names = _names(cache)
    there = f"there are: {', '.join(names)}" if names else "there is none"
    return NoSuchClusterError(
        f"there is no cluster {name} on this machine\n  why:   {there}\n"
        f"  next:  agents cluster up {name}"
    )


def _names(cache: Path | None) -> list[str]:
    try:
        entries = list(clusters_folder(cache).iterdir())
    except FileNotFoundError:
        return []
    return sorted(entry.name for entry in entries if (entry / RECORD).is_file())
