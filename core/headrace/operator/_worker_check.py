"""Whether a worker has what a plan was compiled with."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING

from headrace.errors import WorkerMismatchError

if TYPE_CHECKING:
    from headrace.plan import AgentPlan

__all__ = ["check_worker"]


def check_worker(plan: AgentPlan) -> None:
    """Holds this worker's distributions against the plan's.

    Raises:
        WorkerMismatchError: With the versions that the plan needs and those that are here.
    """
    wrong = []
    for name, needed in plan.distributions.items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found = "not installed"
        if found != needed:
            wrong.append((name, needed, found))
    if wrong:
        lines = "\n".join(
            f"  {name}: the plan needs {needed}, this worker has {found}"
            for name, needed, found in wrong
        )
        raise WorkerMismatchError(
            f"this worker cannot run the plan of {plan.name!r}:\n{lines}\n"
            "Install these versions on the worker, or compile the plan where they are the same."
        )
