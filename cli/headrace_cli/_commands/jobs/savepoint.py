"""``agents jobs savepoint``: keeps a job's state, while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace_cli._commands.jobs._asking import cluster_options, job_of, opened, print_json
from headrace_cli._commands.jobs._ending import made_savepoint, one_job, running, timeout_option

if TYPE_CHECKING:
    from headrace_cli._commands.jobs._asking import Asked

__all__ = ["command"]


@click.command("savepoint")
@one_job
@click.argument("directory", metavar="[DIR]", required=False)
@timeout_option
@cluster_options
def command(
    job: str,
    directory: str | None,
    timeout: float,
    dry_run: bool,  # noqa: FBT001
    asked: Asked,
) -> None:
    """Make a savepoint of a job, which goes on, and print its path.

    DIR is a folder that all of the cluster sees, such as s3://bucket/savepoints; by default what
    the cluster says (execution.checkpointing.savepoint-dir).
    """
    with opened(asked) as rest:
        found = running(job_of(rest, job))
        if dry_run:
            click.echo(f"would make a savepoint of {found.name} ({found.id})")
            return
        path = made_savepoint(rest, found, rest.savepoint(found.id, directory), timeout=timeout)
    if asked.as_json:
        print_json({"job": found.id, "name": found.name, "savepoint": path})
        return
    click.echo(path)
