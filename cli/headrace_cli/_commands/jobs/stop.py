"""``agents jobs stop``: ends a job so that it can go on later."""

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
from headrace_cli._commands.jobs._ending import made_savepoint, one_job, running, timeout_option

if TYPE_CHECKING:
    from headrace_cli._commands.jobs._asking import Asked

__all__ = ["command"]


@click.command("stop")
@one_job
@click.option(
    "--savepoint",
    "directory",
    is_flag=False,
    flag_value="",
    metavar="[DIR]",
    help="The folder for the savepoint, which is made in any case. By default the cluster's own.",
)
@click.option(
    "--drain", is_flag=True, help="Let all timers fire first: for a job that is never to go on."
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@timeout_option
@cluster_options
def command(
    job: str,
    directory: str | None,
    drain: bool,  # noqa: FBT001
    yes: bool,  # noqa: FBT001
    timeout: float,
    dry_run: bool,  # noqa: FBT001
    asked: Asked,
) -> None:
    """Stop a job with a savepoint, from which it can go on later, and print its path.

    A job whose savepoint cannot be made goes on.
    """
    from headrace_registry.clusters import wait_for_end

    with opened(asked) as rest:
        found = running(job_of(rest, job))
        if dry_run:
            click.echo(f"would stop {found.name} ({found.id}) with a savepoint")
            return
        confirmed(f"Stop {found.name} ({found.id[:8]})?", yes=yes)
        trigger = rest.stop(found.id, directory or None, drain=drain)
        path = made_savepoint(rest, found, trigger, timeout=timeout)
        state = wait_for_end(rest, found.id)
    if asked.as_json:
        print_json({"job": found.id, "name": found.name, "state": state, "savepoint": path})
        return
    click.echo(path)
