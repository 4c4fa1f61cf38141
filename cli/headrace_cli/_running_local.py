"""A job on the local engine: files or pipes in and out, stopped by signals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.local import InputError, LocalJob, run_files
from headrace_cli._errors import CommandError

if TYPE_CHECKING:
    from headrace_cli._job import Job
    from headrace_cli._view import Shown

__all__ = ["kept", "run_local_job"]


def run_local_job(job: Job, shown: Shown, *, display: bool) -> None:
    """Runs a job to its end, or until SIGINT or SIGTERM; counts go to ``shown``.

    Raises:
        CommandError: An input cannot be read, or has no key.
        HeadraceError: What the engine raises.
    """
    files = LocalJob(
        input=job.input,
        output=job.output,
        key=job.key,
        form=job.form,
        state=job.state,
        dead_letters=job.dead_letters,
        approvals=job.approvals,
        events=job.events,
        record=job.record,
        metrics=job.metrics,
    )
    try:
        _, shown.summary.stopped = run_files(job.plan, files, shown, outputs=display)
    except InputError as error:
        raise CommandError("an input cannot be read", why=str(error), then=kept(job)) from error


def kept(job: Job) -> str:
    """What to do after an input that cannot be read."""
    where = "stdout" if job.output is None else str(job.output)
    return f"mend the input and run again; the outputs up to there are in {where}"
