"""The process groups of servers that run, so that none outlives who started it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

__all__ = ["end_groups", "signal_group"]


def signal_group(group: int, number: int) -> bool:
    """Signals a process group; says whether there was anybody."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


def end_groups(groups: set[int]) -> None:
    """Ends the groups at once: there is no loop any more to end them in good order."""
    while groups:
        signal_group(groups.pop(), signal.SIGKILL)
