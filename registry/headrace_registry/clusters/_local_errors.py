"""What can go wrong with clusters of one's own."""

from __future__ import annotations

from headrace_registry.errors import RegistryError

__all__ = [
    "ClusterError",
    "ClusterExistsError",
    "ClusterSpecError",
    "ClusterStartError",
    "NoSuchClusterError",
]


class ClusterError(RegistryError):
    """The base of what can go wrong with a Flink cluster."""


class ClusterSpecError(ClusterError):
    """A cluster that cannot be as it was asked for; nothing was started."""


class ClusterStartError(ClusterError):
    """A cluster, or a part of one, that did not come up; what was started was stopped again."""


class ClusterExistsError(ClusterError):
    """There is a cluster of this name already."""


class NoSuchClusterError(ClusterError):
    """No local cluster is meant by what was said."""
