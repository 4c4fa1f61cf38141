"""What a worker does before it runs an agent: its secrets, its paths, its packages, its end."""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.jobs.manifest import job_home, read_manifest
from headrace.jobs.places import located
from headrace.jobs.secrets import load_secrets
from headrace.operator import check_worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.plan import AgentPlan

__all__ = ["closing", "ready"]

_BOOT = "pyflink.fn_execution.beam.beam_boot"
_LOOK_EVERY = 1.0
_CLOSING_SECONDS = 20.0
"""How long functions may take to close: more than all that closes with them is given."""
_closing_until: list[float] = []
"""Readings of ``time.monotonic``, one for each function that closes now."""


def ready(plan: AgentPlan) -> AgentPlan:
    """Makes this worker ready for a plan; gives the plan with this worker's paths.

    Args:
        plan: The plan, as it travelled.

    Raises:
        SecretsError: A secret that the job's zip names is not given here.
        WorkerMismatchError: The packages are not those of the plan.
        HeadraceError: The plan names files of a zip, and this worker runs from none.
    """
    _end_with_taskmanager()
    home = job_home()
    if home is not None:
        load_secrets([one.name for one in read_manifest(home).secrets])
    check_worker(plan)
    return located(plan, home)


@contextmanager
def closing() -> Iterator[None]:
    """While a function closes: what it writes then is written, though nobody waits for it.

    Flink ends the shell that a worker is in at the moment at which it has the worker end.
    """
    until = time.monotonic() + _CLOSING_SECONDS
    _closing_until.append(until)
    try:
        yield
    finally:
        _closing_until.remove(until)


@functools.cache
def _end_with_taskmanager() -> None:
    """Ends this process soon after its TaskManager, or what there is between the two, is gone.

    One that is killed cannot end its workers, and they would live on, with the runs that they
    have begun. Between the two there is a shell. It lives on too, and gets another parent; where
    Flink ends a worker, it ends just the shell, and a worker that is well ends by itself then.
    """
    if _BOOT not in sys.orig_argv:
        return  # this is no worker of its own
    try:
        shell = os.getppid()
        owner = _parent(shell)
        began = _began(owner)
    except (OSError, ValueError, IndexError):
        return  # no /proc here

    def watch() -> None:
        looks = 0
        while True:
            time.sleep(_LOOK_EVERY)
            if _closing_until and time.monotonic() < max(_closing_until):
                continue
            if _began(owner) != began:
                os._exit(1)  # nobody is left to whom an orderly end could matter
            looks += os.getppid() != shell
            if looks > 1:  # it had the time to begin to close
                os._exit(1)

    threading.Thread(target=watch, name="headrace-taskmanager", daemon=True).start()


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _began(pid: int) -> str | None:
    """When a process began, in ticks since the machine did; ``None``: there is none."""
    try:
        state, *_, began = _stat(pid)[:20]
    except (OSError, ValueError):
        return None
    return None if state in {"Z", "X"} else began


def _stat(pid: int) -> list[str]:
    """The fields of proc(5)'s ``stat`` from the third on."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()  # the name before it may hold anything
