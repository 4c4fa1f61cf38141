"""How a cluster is: what runs, what is gone, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace_registry.clusters._local_asking import ask, registered
from headrace_registry.clusters._local_causes import cause_of, last_lines
from headrace_registry.clusters._local_record import JOBMANAGER, TASKMANAGER

if TYPE_CHECKING:
    from headrace_registry.clusters._local_cluster import LocalCluster

__all__ = ["ClusterStatus", "Gone", "RunningJob", "status_of"]


@dataclass(frozen=True, slots=True)
class Gone:
    """A part that runs no more."""

    part: str
    """What it is, for people."""
    why: str
    """As far as its log tells."""
    log: str
    lines: tuple[str, ...]
    """The end of its log."""


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A job that has not ended."""

    id: str
    name: str
    state: str
    """As Flink calls it, such as ``RUNNING``."""


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """A cluster at one moment."""

    state: str
    """``up``: all is there; ``partial``: parts are gone or not registered; ``down``: no answer."""
    registered: int
    """The TaskManagers that the JobManager knows."""
    slots: int
    """Of all of them."""
    free_slots: int
    jobs: tuple[RunningJob, ...]
    gone: tuple[Gone, ...]

    def as_data(self) -> dict[str, Any]:
        """As JSON has it."""
        from dataclasses import asdict

        return asdict(self)


_ENDED = {"FINISHED", "CANCELED", "FAILED", "SUSPENDED"}


def status_of(cluster: LocalCluster) -> ClusterStatus:
    """Looks at a cluster's processes, and asks its JobManager."""
    dead = [one for one in cluster.processes if not one.lives]
    gone = tuple(
        Gone(one.label, cause_of(one).why, one.log, tuple(last_lines(one))) for one in dead
    )
    leads = any(one.role == JOBMANAGER and one not in dead for one in cluster.processes)
    overview = ask(cluster.address, "/overview") if leads else None
    if not isinstance(overview, dict):
        return ClusterStatus("down", 0, 0, 0, (), gone)
    wanted = {one.resource for one in cluster.processes if one.role == TASKMANAGER}
    known = registered(cluster.address)
    state = "up" if not gone and wanted <= known else "partial"
    slots, free = _number(overview, "slots-total"), _number(overview, "slots-available")
    return ClusterStatus(state, len(known), slots, free, _jobs(cluster.address), gone)


def _jobs(address: str) -> tuple[RunningJob, ...]:
    said = ask(address, "/jobs/overview")
    rows = said.get("jobs", ()) if isinstance(said, dict) else ()
    jobs = (
        RunningJob(str(one.get("jid")), str(one.get("name")), str(one.get("state")))
        for one in rows
        if isinstance(one, dict)
    )
    return tuple(one for one in jobs if one.state not in _ENDED)


def _number(data: dict[str, Any], key: str) -> int:
    value = data.get(key)
    return value if isinstance(value, int) else 0
