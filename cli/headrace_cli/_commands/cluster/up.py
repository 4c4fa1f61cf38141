"""``agents cluster up``: a Flink cluster for development, from the installed packages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._commands.cluster import _telling
from headrace_cli._errors import WrongUseError
from headrace_cli._settings import pairs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace_registry.clusters import ClusterSpec, LocalCluster

__all__ = ["command"]

_WITH_RESTART = {"name", "variables", "restart", "dry_run", "as_json"}


@click.command("up")
@click.argument("name", default="local")
@click.option(
    "--taskmanagers", type=int, default=1, show_default=True, help="How many TaskManagers."
)
@click.option("--slots", type=int, default=2, show_default=True, help="Slots of each TaskManager.")
@click.option(
    "--memory",
    default="1g",
    show_default=True,
    metavar="SIZE",
    help="Of each TaskManager's Java process, as 1g or 1536m; Python workers come on top.",
)
@click.option(
    "--port", type=int, help="Of the REST API and the web interface. Default: a free one."
)
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The workers' Python. Default: this one, without its packages.",
)
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="A variable that jobs see, such as a secret; with no VALUE it is this environment's.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of Flink's own."
)
@click.option(
    "--high-availability", is_flag=True, help="Let jobs outlive their JobManager (ZooKeeper)."
)
@click.option("--restart", is_flag=True, help="Start those parts again that are gone.")
@click.option("--dry-run", is_flag=True, help="Say what would be started, and start nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    name: str,
    taskmanagers: int,
    slots: int,
    memory: str,
    port: int | None,
    python: Path | None,
    variables: tuple[str, ...],
    settings: tuple[str, ...],
    high_availability: bool,
    restart: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Start a Flink cluster for development, and wait until it is ready.

    It listens at 127.0.0.1 only, and writes into its own folder only. Its processes see nothing of
    this environment but what --env gives: what a job lacks is not found by chance.
    """
    environment = _variables(variables)
    if restart:
        _restart(ctx, name, environment, dry_run=dry_run, as_json=as_json)
        return
    from headrace_registry.clusters import ClusterSpec, ClusterSpecError, start_cluster

    try:
        spec = ClusterSpec(
            name,
            taskmanagers=taskmanagers,
            slots=slots,
            memory=memory,
            port=port,
            python=python,
            environment=environment,
            settings=pairs(settings, "--set"),
            high_availability=high_availability,
        )
        if dry_run:
            _tell_plan(spec, as_json=as_json)
            return
        with _telling.ended_by_signal(), _telling.waiting(f"starting {name}") as progress:
            cluster = start_cluster(spec, progress=progress)
    except ClusterSpecError as error:
        raise WrongUseError(str(error)) from None
    _tell(cluster, as_json=as_json)


def _restart(
    ctx: click.Context, name: str, environment: dict[str, str], *, dry_run: bool, as_json: bool
) -> None:
    from headrace_registry.clusters import find_cluster

    given = [
        one
        for one in ctx.params
        if one not in _WITH_RESTART
        and ctx.get_parameter_source(one) is not click.core.ParameterSource.DEFAULT
    ]
    if given:
        options = ", ".join(
            f"--{one.replace('_', '-')}".replace("settings", "set") for one in given
        )
        raise WrongUseError(
            f"{options}: --restart starts what is gone as it was",
            then=f"agents cluster down {name}, and start it anew with other options",
        )
    cluster = find_cluster(name)
    missing = [one.label for one in cluster.processes if not one.lives]
    if dry_run:
        click.echo(f"{name}: would start {', '.join(missing) or 'nothing: all runs'}")
        return
    with _telling.ended_by_signal(), _telling.waiting(f"starting {name}") as progress:
        cluster = cluster.start_missing(environment=environment, progress=progress)
    if not as_json:
        click.echo(f"{name}: started {', '.join(missing) or 'nothing: all runs'}")
    _tell(cluster, as_json=as_json)


def _variables(texts: Iterable[str]) -> dict[str, str]:
    """The variables that ``--env`` gives; what has no value is this environment's."""
    spelled = []
    for text in texts:
        if "=" in text:
            spelled.append(text)
        elif text in os.environ:
            spelled.append(f"{text}={os.environ[text]}")
        else:
            raise WrongUseError(
                f"--env {text}: there is no such variable here", then=f"--env {text}=VALUE"
            )
    names = [text.partition("=")[0] for text in spelled]
    if twice := {one for one in names if names.count(one) > 1}:
        raise WrongUseError(f"--env {', '.join(sorted(twice))} is given twice")
    return dict(text.partition("=")[::2] for text in spelled)


def _tell(cluster: LocalCluster, *, as_json: bool) -> None:
    if as_json:
        import json

        click.echo(json.dumps(_telling.as_data(cluster), indent=2))
        return
    record, name = cluster.record, cluster.name
    managers = sum(one.role == "taskmanager" for one in cluster.processes)
    slots = managers * record.slots
    click.echo(f"{name}: http://{cluster.address}")
    click.echo(
        f"  Flink {cluster.flink_version}, Java {record.java_version}, "
        f"workers' Python {record.python_version} ({record.python})"
    )
    click.echo(f"  {_count(managers, 'TaskManager')}, {_count(slots, 'slot')}")
    click.echo(f"  logs:  {cluster.folder / 'log'}")
    click.echo(f"  use:   agents submit JOB.zip --cluster {name}", err=True)
    click.echo(f"  end:   agents cluster down {name}", err=True)


def _tell_plan(spec: ClusterSpec, *, as_json: bool) -> None:
    """What would be started; it looks for all that is needed."""
    from headrace_registry.clusters._local_flink import find_flink, find_java, find_python
    from headrace_registry.clusters._local_record import clusters_folder

    flink, java, python = find_flink(), find_java(), find_python(spec.python)
    plan: dict[str, Any] = {
        "name": spec.name,
        "folder": str(clusters_folder() / spec.name),
        "flink": flink.version,
        "java": {"version": java.version, "home": str(java.home)},
        "python": {"version": python.version, "path": str(python.path)},
        "taskmanagers": spec.taskmanagers,
        "slots": spec.slots,
        "memory": f"{spec.memory_mib}m",
        "high_availability": spec.high_availability,
        "variables": sorted(spec.environment),
        "settings": dict(spec.settings),
    }
    if as_json:
        import json

        click.echo(json.dumps(plan, indent=2))
        return
    click.echo(f"{spec.name}: would be started in {plan['folder']} (nothing was)")
    click.echo(
        f"  Flink {flink.version}, Java {java.version} ({java.home}), "
        f"workers' Python {python.version} ({python.path})"
    )
    click.echo(
        f"  {_count(spec.taskmanagers, 'TaskManager')} of {spec.slots} slots and {spec.memory}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
