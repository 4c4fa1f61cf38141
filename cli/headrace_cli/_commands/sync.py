"""``agents sync``: an environment that holds what the lock says."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace_cli._errors import CommandError
from headrace_cli._packages import folder_here, held, packages_of

if TYPE_CHECKING:
    from headrace_cli._packages import Packages
    from headrace_registry.locking import InstallReport, Lock

__all__ = ["command"]


@click.command("sync")
@click.option("--frozen", is_flag=True, help="Take the lock as it is, whatever the project says.")
@click.option("--offline", is_flag=True, help="Use no network, only what is cached.")
@click.option("--exact", is_flag=True, help="Remove everything that is not locked.")
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The Python, or its environment, to install into.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    frozen: bool,  # noqa: FBT001 - click's way
    offline: bool,  # noqa: FBT001
    exact: bool,  # noqa: FBT001
    python: Path | None,
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Install what the lock says: the project's .venv, the active environment, or a new one.

    Only wheels are installed, each held against its hash in the lock. What the lock had before and
    has no more is removed; with --exact everything else is, too.
    """
    from headrace_registry.locking import Environment, install, plan_install

    project = packages_of(folder_here())
    lock = _lock_of(project, frozen=frozen)
    environment = Environment.find(project.folder, python)
    if dry_run:
        report = plan_install(lock, environment, project=project.folder, exact=exact)
        _print(report, dry_run=True, as_json=as_json)
        return
    with held(project.folder), project.clients(offline=offline) as clients:
        report = install(
            lock,
            environment,
            clients=clients,
            project=project.folder,
            index=project.wanted.index,
            offline=offline,
            exact=exact,
            progress=lambda line: click.echo(line, err=True),
        )
    _print(report, dry_run=False, as_json=as_json)


def _lock_of(project: Packages, *, frozen: bool) -> Lock:
    from headrace_registry.locking import check, inputs_digest, read_lock

    lock = read_lock(project.lock_file)
    if lock is None:
        raise CommandError("there is no lock", where=str(project.lock_file), then="agents lock")
    if not frozen and lock.inputs != inputs_digest(project.wanted):
        raise CommandError(
            "the lock is not in keeping with the project",
            where=str(project.lock_file),
            why="\n".join(check(lock, project.wanted)),
            then="agents lock; or: agents sync --frozen, to install it as it is",
        )
    return lock


def _print(report: InstallReport, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**asdict(report), "dry_run": dry_run}, indent=2))
        return
    would = "would be " if dry_run else ""
    for sign, some in (("+", report.installed), ("~", report.replaced), ("-", report.removed)):
        for one in some:
            click.echo(f"{sign} {one}")
    if report.resumed:
        click.echo("an installation before was interrupted: this one went on from there", err=True)
    if report.installed or report.replaced or report.removed:
        click.echo(
            f"{report.environment}: {len(report.installed)} {would}installed, "
            f"{len(report.replaced)} {would}replaced, {len(report.removed)} {would}removed"
        )
    else:
        click.echo(f"{report.environment} has what the lock says ({report.unchanged} packages)")
