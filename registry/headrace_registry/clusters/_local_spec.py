"""What a development cluster is to be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from headrace_registry.clusters._local_errors import ClusterSpecError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["DEFAULT_NAME", "ClusterSpec", "check_name"]

DEFAULT_NAME = "local"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_MEMORY = re.compile(r"(\d{1,9})\s*(m|mb|mib|g|gb|gib)?", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LEAST_MEMORY = 640  # MiB: below that Flink's fixed parts leave a task no heap
_MOST = 64  # TaskManagers, and slots of one
_OWN = {
    "rest.port": "--port",
    "rest.bind-port": "--port",
    "taskmanager.numberOfTaskSlots": "--slots",
    "taskmanager.memory.process.size": "--memory",
    "high-availability.type": "--high-availability",
}
"""Settings that options give."""
_KEPT = (
    "jobmanager.rpc.",
    "jobmanager.bind-host",
    "rest.address",
    "rest.bind-address",
    "taskmanager.host",
    "taskmanager.bind-host",
    "taskmanager.resource-id",
    "io.tmp.dirs",
    "high-availability.",
)
"""Settings on which the cluster's own running rests: where it listens, and where it writes."""


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """A development cluster as it is asked for.

    Raises:
        ClusterSpecError: It cannot be so; says which part, and what can be.
    """

    name: str = DEFAULT_NAME
    """What it is called: lower-case letters, digits, ``-`` and ``_``."""
    taskmanagers: int = 1
    slots: int = 2
    """Of each TaskManager."""
    memory: str = "1g"
    """Of each TaskManager's Java process; Python workers come on top."""
    port: int | None = None
    """Of the REST API and the web interface; ``None``: a free one."""
    python: Path | None = None
    """What Flink's workers find as ``python3``; ``None``: this Python without its packages."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables that jobs see, such as secrets; written nowhere."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Flink's settings, over those of a development cluster."""
    high_availability: bool = False
    """Whether jobs outlive their JobManager."""

    def __post_init__(self) -> None:
        check_name(self.name)
        for what, count in (("TaskManagers", self.taskmanagers), ("slots", self.slots)):
            if not 1 <= count <= _MOST:
                raise ClusterSpecError(f"{count} {what}: there can be 1 to {_MOST}")
        if self.memory_mib < _LEAST_MEMORY:
            raise ClusterSpecError(
                f"a TaskManager with {self.memory} of memory does not run\n"
                f"  next:  give it {_LEAST_MEMORY}m or more"
            )
        if self.port is not None and not 1 <= self.port <= 65535:  # noqa: PLR2004 - ports
            raise ClusterSpecError(f"{self.port} is no port")
        for name in self.environment:
            if not _VARIABLE.fullmatch(name):
                raise ClusterSpecError(f"{name!r} is no name of an environment variable")
        for key, value in self.settings.items():
            _check_setting(key, value)
        # What is given must not change under a cluster that is being started.
        object.__setattr__(self, "environment", MappingProxyType(dict(self.environment)))
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))

    @property
    def memory_mib(self) -> int:
        """The memory of a TaskManager, in MiB."""
        found = _MEMORY.fullmatch(self.memory.strip())
        if found is None:
            raise ClusterSpecError(
                f"{self.memory!r} is no size of memory\n  next:  give one such as 1g or 1536m"
            )
        gigabytes = (found[2] or "m").lower().startswith("g")
        return int(found[1]) * (1024 if gigabytes else 1)


def check_name(name: str) -> None:
    """Refuses what is no name of a cluster: it becomes a folder's.

    Raises:
        ClusterSpecError: With what one is.
    """
    if not _NAME.fullmatch(name):
        raise ClusterSpecError(
            f"{name!r} is no name of a cluster\n"
            "  next:  take lower-case letters, digits, - and _, such as dev or team-2"
        )


def _check_setting(key: str, value: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", key):
        raise ClusterSpecError(f"{key!r} is no name of a setting of Flink")
    if not value.isprintable():
        raise ClusterSpecError(f"the setting {key} holds characters that cannot be printed")
    if option := _OWN.get(key):
        raise ClusterSpecError(f"the setting {key} is given by {option}")
    if key.startswith(_KEPT):
        raise ClusterSpecError(
            f"the setting {key} cannot be given\n"
            "  why:   a development cluster listens at 127.0.0.1 only, and writes into its own "
            "folder only"
        )
