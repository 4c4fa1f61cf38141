"""Waiting until the parts of a cluster are one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from headrace_registry.clusters._local_asking import registered
from headrace_registry.clusters._local_causes import cause_of, last_lines
from headrace_registry.clusters._local_errors import ClusterStartError
from headrace_registry.clusters._local_record import TASKMANAGER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace_registry.clusters._local_record import ClusterProcess

__all__ = ["START_WAIT", "PartEndedError", "until_ready"]

START_WAIT = 180.0
"""Seconds after which a cluster that is not up is given up."""
_PAUSE = 0.1


class PartEndedError(ClusterStartError):
    """A part that ended while it was waited for."""

    def __init__(self, part: ClusterProcess) -> None:
        cause = cause_of(part)
        text = f"the {part.label} did not come up\n  why:   {cause.why}"
        super().__init__(f"{text}\n  next:  {cause.then}" if cause.then else text)
        self.part = part
        self.port_taken = cause.port_taken
        """Whether other ports would have done."""


def until_ready(
    address: str,
    parts: Sequence[ClusterProcess],
    *,
    progress: Callable[[str], None] | None = None,
    wait: float = START_WAIT,
) -> None:
    """Waits until the JobManager knows all TaskManagers.

    Args:
        address: The REST API's host and port.
        parts: All processes of the cluster.
        progress: Told what has come up.
        wait: Seconds.

    Raises:
        PartEndedError: One of them ended; says why, as far as its log tells.
        ClusterStartError: It took too long.
    """
    wanted = {one.resource for one in parts if one.role == TASKMANAGER}
    deadline = time.monotonic() + wait
    told = -1
    while True:
        for part in parts:
            if not part.lives:
                raise PartEndedError(part)
        known = registered(address)
        count = len(known & wanted)
        if progress is not None and count != told:
            progress(f"{count} of {len(wanted)} TaskManagers registered")
            told = count
        if count == len(wanted):
            return
        if time.monotonic() > deadline:
            raise _too_slow(parts, wait)
        time.sleep(_PAUSE)


def _too_slow(parts: Sequence[ClusterProcess], wait: float) -> ClusterStartError:
    ends = "\n".join(
        f"         {one.label}: {line}" for one in parts for line in last_lines(one, 1)
    )
    return ClusterStartError(
        f"the cluster was not up after {wait:.0f} seconds\n  why:   the logs end with\n{ends}\n"
        "  next:  fewer TaskManagers, or more time: is the machine busy?"
    )
