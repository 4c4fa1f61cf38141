"""Which job is meant by what one types."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from headrace_registry.clusters._rest_errors import NoSuchJobError, described

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace_registry.clusters._rest_values import JobSummary

__all__ = ["find_job"]

_SHOWN = 8


def find_job(jobs: Sequence[JobSummary], text: str) -> JobSummary:
    """The job that a text means.

    It is an id; or the name of one that runs; or the beginning of an id; or the name of one that
    is over: whichever comes first, and is one job.

    Args:
        jobs: Those of the cluster.
        text: What was typed.

    Raises:
        NoSuchJobError: None is meant, or several are; with those that it could have been.
    """
    running = [one for one in jobs if not one.is_over]
    over = [one for one in jobs if one.is_over]
    lowered = text.lower()
    begins = [one for one in jobs if one.id.startswith(lowered)] if lowered else []
    for found in (
        [one for one in jobs if one.id == lowered],
        [one for one in running if one.name == text],
        begins,
        [one for one in over if one.name == text],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise NoSuchJobError(
                described(
                    f"{text!r} is {len(found)} jobs",
                    why=_listed(found),
                    then="say more of the id",
                )
            )
    near = [one for one in jobs if text and text.lower() in one.name.lower()] or running or jobs
    raise NoSuchJobError(
        described(
            f"there is no job {text!r}",
            why=_listed(near) if near else "the cluster has no jobs",
            then="agents jobs list",
        )
    )


def _listed(jobs: Sequence[JobSummary]) -> str:
    lines = [f"{one.id[:12]}  {one.state:<10} {_moment(one.started)}  {one.name}" for one in jobs]
    if len(lines) > _SHOWN:
        lines[_SHOWN - 1 :] = [f"and {len(lines) - _SHOWN + 1} more"]
    return "\n         ".join(re.sub(r"\s*\n\s*", " ", line) for line in lines)


def _moment(seconds: float) -> str:
    return time.strftime("%m-%d %H:%M:%S", time.localtime(seconds))
