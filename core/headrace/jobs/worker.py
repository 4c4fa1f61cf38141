"""What a worker does before it runs an agent: its secrets, its paths, its packages, its end."""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.jobs.manifest import job_home, read_manifest
from headrace.jobs.places import located
from headrace.jobs.secrets import load_secrets
from headrace.operator import check_worker

if TYPE_CHECKING:
    from headrace.plan import AgentPlan

__all__ = ["ready"]

_BOOT = "pyflink.fn_execution.beam.beam_boot"
_LOOK_EVERY = 2.0


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


@functools.cache
def _end_with_taskmanager() -> None:
    """Ends this process soon after its TaskManager is gone.

    One that is killed cannot end its workers, and they would live on, with the runs that they
    have begun. Between the two there is a shell, which lives on too and gets another parent.
    """
    if _BOOT not in sys.orig_argv:
        return  # this is no worker of its own
    try:
        shell = os.getppid()
        owner = _parent(shell)
    except (OSError, ValueError, IndexError):
        return  # no /proc here

    def watch() -> None:
        while True:
            time.sleep(_LOOK_EVERY)
            try:
                gone = os.getppid() != shell or _parent(shell) != owner
            except (OSError, ValueError, IndexError):
                gone = True
            if gone:
                os._exit(1)  # nobody is left to whom an orderly end could matter

    threading.Thread(target=watch, name="headrace-taskmanager", daemon=True).start()


def _parent(pid: int) -> int:
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return int(text.rpartition(")")[2].split()[1])  # the name before it may hold anything
