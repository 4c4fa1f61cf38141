"""The samples of a job, or of one subtask of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.eventlog._opening import folder_of

if TYPE_CHECKING:
    from headrace.plan import AgentPlan
    from headrace.samples._taking import Sampling

__all__ = ["open_samples"]


def open_samples(plan: AgentPlan) -> Sampling | None:
    """The samples that a plan's settings ask for; ``None``: there are none."""
    settings = plan.config.samples
    share = settings.share_of(plan.name)
    if not share:
        return None
    folder = folder_of(settings.folder, "samples.folder", "files of samples")
    if folder is None and not settings.sinks:
        return None
    from headrace.samples._making import Maker
    from headrace.samples._places import Places, job_folder
    from headrace.samples._taking import Sampling

    places = Places(settings, None if folder is None else job_folder(folder, plan.identity))
    return Sampling(plan.name, plan.identity, share, Maker(plan), places)
