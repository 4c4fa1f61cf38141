"""What the commands for clusters share: how a cluster is told, and how a wait is shown."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace_registry.clusters import LocalCluster

__all__ = ["as_data", "ended_by_signal", "waiting"]


def as_data(cluster: LocalCluster) -> dict[str, Any]:
    """A cluster as JSON has it."""
    record = cluster.record
    return {
        "name": cluster.name,
        "address": cluster.address,
        "web": f"http://{cluster.address}",
        "folder": str(cluster.folder),
        "flink": cluster.flink_version,
        "java": {"version": record.java_version, "home": record.java_home},
        "python": {"version": record.python_version, "path": record.python},
        "created": record.created,
        "slots": record.slots,
        "variables": list(record.variables),
        "processes": [
            {
                "role": one.role,
                "index": one.index,
                "id": one.resource,
                "pid": one.pid,
                "lives": one.lives,
                "log": one.log,
            }
            for one in cluster.processes
        ],
    }


@contextmanager
def waiting(what: str) -> Iterator[Callable[[str], None] | None]:
    """Shows on a terminal what is waited for; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(escape(what)) as status:
        yield lambda text: status.update(escape(f"{what}: {text}"))


@contextmanager
def ended_by_signal() -> Iterator[None]:
    """Lets SIGTERM clean up as Ctrl-C does."""

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
