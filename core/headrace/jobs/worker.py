"""What a worker does before it runs an agent: its secrets, its paths, its packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.jobs.manifest import job_home, read_manifest
from headrace.jobs.places import located
from headrace.jobs.secrets import load_secrets
from headrace.operator import check_worker

if TYPE_CHECKING:
    from headrace.plan import AgentPlan

__all__ = ["ready"]


def ready(plan: AgentPlan) -> AgentPlan:
    """Makes this worker ready for a plan; gives the plan with this worker's paths.

    Args:
        plan: The plan, as it travelled.

    Raises:
        SecretsError: A secret that the job's zip names is not given here.
        WorkerMismatchError: The packages are not those of the plan.
        HeadraceError: The plan names files of a zip, and this worker runs from none.
    """
    home = job_home()
    if home is not None:
        load_secrets([one.name for one in read_manifest(home).secrets])
    check_worker(plan)
    return located(plan, home)
