"""``agents cluster status``: the clusters of this machine, what runs of them, and what died."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace_cli._commands.cluster import _telling
from headrace_cli._tables import table

if TYPE_CHECKING:
    from headrace_registry.clusters import ClusterStatus, LocalCluster

__all__ = ["command"]


@click.command("status")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Show the clusters of this machine, or the one called NAME.

    Where a part of one is gone, or none answers, the exit code is 1.
    """
    from headrace_registry.clusters import clusters, find_cluster, status_of

    found = [find_cluster(name)] if name else clusters()
    said = [(one, status_of(one)) for one in found]
    if as_json:
        import json

        data = [{**_telling.as_data(one), "status": status.as_data()} for one, status in said]
        click.echo(json.dumps({"clusters": data}, indent=2))
    elif not said:
        click.echo("no cluster is on this machine (agents cluster up starts one)")
    else:
        for cluster, status in said:
            _tell(cluster, status)
    if any(status.state != "up" for _, status in said):
        raise SystemExit(1)


def _tell(cluster: LocalCluster, status: ClusterStatus) -> None:
    record = cluster.record
    click.echo(f"{cluster.name}: {status.state}, http://{cluster.address}")
    click.echo(
        f"  Flink {cluster.flink_version}, Java {record.java_version}, "
        f"workers' Python {record.python_version} ({record.python})"
    )
    click.echo(
        f"  {status.free_slots} of {status.slots} slots free, {len(status.jobs)} jobs running"
    )
    rows = [
        (one.label, str(one.pid), "runs" if one.lives else "GONE", one.log)
        for one in cluster.processes
    ]
    for line in table(("PART", "PID", "STATE", "LOG"), rows).splitlines():
        click.echo(f"  {line}")
    for job in status.jobs:
        click.echo(f"  {job.state.lower()}: {_printable(job.name)} ({job.id})")
    for gone in status.gone:
        click.echo(f"  {gone.part} is gone: {gone.why}")
        for line in gone.lines:
            click.echo(f"    {line}")
    if status.gone:
        click.echo(f"  next:  agents cluster up {cluster.name} --restart")


def _printable(text: str) -> str:
    """A job's name is whatever its author likes: no control characters reach the terminal."""
    return "".join(one if one.isprintable() else "?" for one in text)[:200]
