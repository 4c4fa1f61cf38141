"""What can go wrong with a cluster that is asked over its REST API."""

from __future__ import annotations

from headrace_registry.clusters._local_errors import ClusterError

__all__ = [
    "ClusterAccessError",
    "ClusterUnreachableError",
    "FollowTimeoutError",
    "NoSuchJobError",
    "NoSuchTaskManagerError",
    "NotAClusterError",
    "RejectedError",
    "described",
]


class ClusterUnreachableError(ClusterError):
    """Nobody answers at a cluster's address, or its JobManager cannot answer now."""


class NotAClusterError(ClusterError):
    """Something answers at the address, and it is not Flink."""


class ClusterAccessError(ClusterError):
    """The cluster, or what stands before it, wants credentials, or others than it got."""


class NoSuchJobError(ClusterError):
    """The cluster has no such job, or several are meant."""


class NoSuchTaskManagerError(ClusterError):
    """The cluster has no such TaskManager, or the TaskManager no such file."""


class RejectedError(ClusterError):
    """Flink refuses what was asked for; with the first line of what it says."""


class FollowTimeoutError(ClusterError):
    """A job did not come to the state that was waited for in time."""


def described(what: str, *, where: str = "", why: str = "", then: str = "") -> str:
    """The text of an error, with all that a person asks for."""
    parts = (("where:", where), ("why:", why), ("next:", then))
    return "\n".join([what, *(f"  {name:<7}{text}" for name, text in parts if text)])
