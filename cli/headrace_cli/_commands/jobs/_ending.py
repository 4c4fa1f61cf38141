"""What the commands share that end a job, or make a savepoint of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace_registry.clusters import FlinkRest, JobSummary

__all__ = ["made_savepoint", "one_job", "running", "timeout_option"]

_Command = TypeVar("_Command", bound="Callable[..., Any]")

timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for it.",
)


def one_job(function: _Command) -> _Command:
    """The job that is meant, and whether to do anything."""
    function = click.option(
        "--dry-run", is_flag=True, help="Say what would be done, and do nothing."
    )(function)
    return click.argument("job", metavar="JOB")(function)


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
