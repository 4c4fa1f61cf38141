"""What a platform team decides, whichever system the job runs on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace_registry.deploying._files import Files

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a platform team decides, whichever system the job runs on."""

    name: str | None = None
    """What it is called there; ``None``: made of the job's name."""
    parallelism: int = 2
    """Subtasks of each operator."""
    slots: int = 2
    """Subtasks of each operator that one TaskManager runs."""
    memory: str = "4g"
    """Of a TaskManager, its Python workers included."""
    cpu: float = 2.0
    """Processors of a TaskManager; YARN counts whole ones."""
    checkpoints: str | None = None
    """An address; on Kubernetes also ``pvc:CLAIM``. ``None``: a claim of the deployment's own, or
    a folder in the cluster's HDFS."""
    secret: str | None = None
    """The Kubernetes secret with the job's secrets, or the folder of each YARN node that has them;
    ``None``: named after the deployment, or where workers look."""
    state: str | None = None
    """The savepoint or checkpoint to begin with."""
    settings: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Flink's settings, over all others."""
    files: Files = field(default_factory=Files)
    """What a job over files reads and writes."""
