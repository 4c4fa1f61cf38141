"""``agents jobs list``: what a cluster runs and remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace_cli._commands.jobs._asking import cluster_options, opened, print_json
from headrace_cli._commands.jobs._telling import lasting, moment, short_id, stamp

if TYPE_CHECKING:
    from headrace_cli._commands.jobs._asking import Asked
    from headrace_registry.clusters import JobSummary

__all__ = ["command"]


@click.command("list")
@click.option("--running", is_flag=True, help="Only those that are not over.")
@cluster_options
def command(running: bool, asked: Asked) -> None:  # noqa: FBT001
    """List a cluster's jobs, newest first."""
    with opened(asked) as rest:
        jobs = [one for one in rest.jobs() if not (running and one.is_over)]
        seen, url = rest.overview(), rest.url
    if asked.as_json:
        cluster = {
            "url": url,
            "flink": seen.flink_version,
            "taskmanagers": seen.taskmanagers,
            "slots": seen.slots_total,
            "free_slots": seen.slots_available,
        }
        print_json({"cluster": cluster, "jobs": [_as_data(one) for one in jobs]})
        return
    click.echo(
        f"{url} (Flink {seen.flink_version}): {seen.slots_available} of {seen.slots_total} slots "
        f"free on {seen.taskmanagers} TaskManager{'' if seen.taskmanagers == 1 else 's'}",
        err=True,
    )
    if not jobs:
        click.echo("no jobs run" if running else "no jobs")
        return
    from headrace_cli._tables import table

    header = ("ID", "STATE", "STARTED", "DURATION", "TASKS", "NAME")
    click.echo(table(header, [_row(one) for one in jobs]))


def _row(job: JobSummary) -> tuple[str, ...]:
    ran = f"{job.tasks.get('running', 0)}/{job.tasks.get('total', 0)}" if not job.is_over else "-"
    name = job.name.replace("\n", " ")
    return short_id(job.id), job.state, moment(job.started), lasting(job.duration), ran, name


def _as_data(job: JobSummary) -> dict[str, Any]:
    return {
        "id": job.id,
        "name": job.name,
        "state": job.state,
        "started": stamp(job.started),
        "ended": stamp(job.ended),
        "seconds": job.duration,
        "tasks": {name: count for name, count in job.tasks.items() if count},
    }
