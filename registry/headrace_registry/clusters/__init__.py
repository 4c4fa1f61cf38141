"""Flink clusters: development clusters of one's own, and those that others run.

Names are loaded when they are first used: a command that needs one of them loads little.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace_registry.clusters._local_address import address_of
    from headrace_registry.clusters._local_cluster import (
        LocalCluster,
        clusters,
        find_cluster,
        remains,
        remove_cluster,
    )
    from headrace_registry.clusters._local_errors import (
        ClusterError,
        ClusterExistsError,
        ClusterSpecError,
        ClusterStartError,
        NoSuchClusterError,
    )
    from headrace_registry.clusters._local_record import ClusterProcess
    from headrace_registry.clusters._local_spec import ClusterSpec
    from headrace_registry.clusters._local_starting import start_cluster
    from headrace_registry.clusters._local_status import ClusterStatus, status_of
    from headrace_registry.clusters._rest import FlinkRest
    from headrace_registry.clusters._rest_errors import (
        ClusterAccessError,
        ClusterUnreachableError,
        FollowTimeoutError,
        NoSuchJobError,
        NoSuchTaskManagerError,
        NotAClusterError,
        RejectedError,
    )
    from headrace_registry.clusters._rest_finding import find_job
    from headrace_registry.clusters._rest_following import (
        JobState,
        follow,
        wait_for_end,
        wait_for_savepoint,
    )
    from headrace_registry.clusters._rest_http import RestLimits
    from headrace_registry.clusters._rest_logs import LogReader
    from headrace_registry.clusters._rest_values import (
        ENDED,
        Checkpoint,
        Checkpoints,
        ClusterConfig,
        ExceptionEntry,
        Job,
        JobExceptions,
        JobSummary,
        LogFile,
        Overview,
        Placement,
        SavepointStatus,
        TaskManager,
        Vertex,
    )
    from headrace_registry.clusters._rest_words import Failure, explain, explain_entry

_HOMES = {
    "_local_address": ("address_of",),
    "_local_cluster": (
        "LocalCluster",
        "clusters",
        "find_cluster",
        "remains",
        "remove_cluster",
    ),
    "_local_errors": (
        "ClusterError",
        "ClusterExistsError",
        "ClusterSpecError",
        "ClusterStartError",
        "NoSuchClusterError",
    ),
    "_local_record": ("ClusterProcess",),
    "_local_spec": ("ClusterSpec",),
    "_local_starting": ("start_cluster",),
    "_local_status": ("ClusterStatus", "status_of"),
    "_rest": ("FlinkRest",),
    "_rest_errors": (
        "ClusterAccessError",
        "ClusterUnreachableError",
        "FollowTimeoutError",
        "NoSuchJobError",
        "NoSuchTaskManagerError",
        "NotAClusterError",
        "RejectedError",
    ),
    "_rest_finding": ("find_job",),
    "_rest_following": ("JobState", "follow", "wait_for_end", "wait_for_savepoint"),
    "_rest_http": ("RestLimits",),
    "_rest_logs": ("LogReader",),
    "_rest_values": (
        "ENDED",
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
    ),
    "_rest_words": ("Failure", "explain", "explain_entry"),
}

__all__ = [
    "ENDED",
    "Checkpoint",
    "Checkpoints",
    "ClusterAccessError",
    "ClusterConfig",
    "ClusterError",
    "ClusterExistsError",
    "ClusterProcess",
    "ClusterSpec",
    "ClusterSpecError",
    "ClusterStartError",
    "ClusterStatus",
    "ClusterUnreachableError",
    "ExceptionEntry",
    "Failure",
    "FlinkRest",
    "FollowTimeoutError",
    "Job",
    "JobExceptions",
    "JobState",
    "JobSummary",
    "LocalCluster",
    "LogFile",
    "LogReader",
    "NoSuchClusterError",
    "NoSuchJobError",
    "NoSuchTaskManagerError",
    "NotAClusterError",
    "Overview",
    "Placement",
    "RejectedError",
    "RestLimits",
    "SavepointStatus",
    "TaskManager",
    "Vertex",
    "address_of",
    "clusters",
    "explain",
    "explain_entry",
    "find_cluster",
    "find_job",
    "follow",
    "remains",
    "remove_cluster",
    "start_cluster",
    "status_of",
    "wait_for_end",
    "wait_for_savepoint",
]

__getattr__ = lazily(__name__, _HOMES)
