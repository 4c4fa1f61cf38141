"""``agents jobs cancel``: ends a job, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace_cli._commands.jobs._asking import (
    cluster_options,
    confirmed,
    job_of,
    opened,
    print_json,
)
from headrace_cli._commands.jobs._ending import one_job, running

if TYPE_CHECKING:
    from headrace_cli._commands.jobs._asking import Asked

__all__ = ["command"]


@click.command("cancel")
@one_job
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@cluster_options
def command(job: str, yes: bool, dry_run: bool, asked: Asked) -> None:  # noqa: FBT001
    """Cancel a job: it ends at once, and what it had since its last checkpoint is lost.

    To go on later: agents jobs stop.
    """
    from headrace_registry.clusters import wait_for_end

    with opened(asked) as rest:
        found = running(job_of(rest, job))
        if dry_run:
            click.echo(f"would cancel {found.name} ({found.id})")
            return
        confirmed(f"Cancel {found.name} ({found.id[:8]})?", yes=yes)
        rest.cancel(found.id)
        state = wait_for_end(rest, found.id)
    if asked.as_json:
        print_json({"job": found.id, "name": found.name, "state": state})
        return
    click.echo(f"{found.name} ({found.id[:8]}): {state}")
