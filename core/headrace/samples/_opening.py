"""The samples of a job, or of one subtask of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.plan import AgentPlan
    from headrace.samples._taking import Sampling

__all__ = ["open_samples"]


def open_samples(plan: AgentPlan) -> Sampling | None:
    """The samples that a plan's settings ask for; ``None``: there are none."""
    settings = plan.config.samples
    share = settings.share_of(plan.name)
    if not share or (settings.folder is None and not settings.sinks):
        return None
    from headrace.samples._making import Maker
    from headrace.samples._places import Places, job_folder
    from headrace.samples._taking import Sampling

    folder = None if settings.folder is None else Path(os.path.expandvars(settings.folder))
    places = Places(settings, None if folder is None else job_folder(folder, plan.identity))
    return Sampling(plan.name, plan.identity, share, Maker(plan), places)
