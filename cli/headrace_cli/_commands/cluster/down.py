"""``agents cluster down``: a cluster ended, with everything that it started."""

from __future__ import annotations

import click

from headrace_cli._commands.cluster import _telling
from headrace_cli._errors import WrongUseError

__all__ = ["command"]


@click.command("down")
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="All clusters of this machine.")
@click.option("--keep", is_flag=True, help="Leave checkpoints and savepoints in its folder.")
@click.option("--dry-run", is_flag=True, help="Say what would be ended, and end nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *, name: str | None, everything: bool, keep: bool, dry_run: bool, as_json: bool
) -> None:
    """End the cluster NAME (by default `local`), and remove its folder.

    Its jobs end with it. Without --keep its checkpoints and savepoints go too.
    """
    from headrace_registry.clusters import remains, remove_cluster

    if name and everything:
        raise WrongUseError("NAME and --all say two things")
    names = remains() if everything else [name or "local"]
    for one in names:
        if dry_run:
            _check(one)
        else:
            with _telling.waiting(f"ending {one}"):
                remove_cluster(one, keep=keep)
    if as_json:
        import json

        click.echo(json.dumps({"ended": [] if dry_run else names, "found": names}))
    elif not names:
        click.echo("no cluster is on this machine")
    else:
        for one in names:
            click.echo(f"{one}: {'would be ended (nothing was)' if dry_run else 'ended'}")


def _check(name: str) -> None:
    from headrace_registry.clusters import find_cluster, remains

    if name not in remains():
        find_cluster(name)  # says that there is none
