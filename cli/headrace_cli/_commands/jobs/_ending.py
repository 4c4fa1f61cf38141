"""What the commands share that end a job, or make a savepoint of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from headrace_registry.clusters import FlinkRest, JobSummary

__all__ = ["made_savepoint", "running"]


def running(job: JobSummary) -> JobSummary:
    """The job, if it runs.

    Raises:
        CommandError: It is over.
    """
    if job.is_over:
        from headrace_cli._errors import CommandError

        raise CommandError(
            f"the job {job.name!r} ({job.id[:8]}) is over: {job.state}",
            then="agents jobs list --running",
        )
    return job


def made_savepoint(rest: FlinkRest, job: JobSummary, trigger: str, *, timeout: float) -> str:
    """Waits for a savepoint; its path."""
    from headrace_registry.clusters import wait_for_savepoint

    click.echo(f"{job.name} ({job.id[:8]}): a savepoint is being made", err=True)
    return wait_for_savepoint(rest, job.id, trigger, timeout=timeout).location
