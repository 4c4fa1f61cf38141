"""``agents run --check-pending``: the unfinished runs of a state file, against the code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from headrace_cli._errors import CommandError, WrongUseError

if TYPE_CHECKING:
    from headrace_cli._job import Job

__all__ = ["check_pending"]


def check_pending(job: Job, *, as_json: bool) -> None:
    """Tells which runs do not fit; changes nothing.

    Raises:
        CommandError: Some do not.
    """
    if job.state is None:
        raise WrongUseError("--check-pending needs the state file", then="--state FILE")
    from headrace.errors import StateError
    from headrace.local import unfinished_runs

    try:
        runs = list(unfinished_runs(job.plan, job.state))
    except StateError as error:
        raise CommandError(str(error)) from None
    misfits = [run for run in runs if run.misfit is not None]
    if as_json:
        told = [
            {"key": run.key, "run": run.run_id, "input": run.input, "misfit": run.misfit}
            for run in runs
        ]
        click.echo(json.dumps(told, indent=2, default=str))
    else:
        for run in misfits:
            click.echo(f"{run.key!r} (run {run.run_id}): {run.misfit}", err=True)
        click.echo(f"unfinished runs: {len(runs)}; that do not fit: {len(misfits)}", err=True)
    if misfits:
        raise CommandError(
            f"{len(misfits)} of {len(runs)} unfinished runs do not fit the code",
            why="their journals hold other calls than it makes",
            then="let the old code finish them, or run with --set journal_errors=rerun or "
            "dead_letter",
        )
