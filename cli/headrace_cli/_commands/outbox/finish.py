"""``agents outbox finish``: doing what a job has left."""

from __future__ import annotations

import json
from typing import Any

import click

__all__ = ["command"]


@click.command("finish")
@click.argument("target")
@click.option(
    "--checkpoints",
    metavar="FOLDER",
    required=True,
    help="Where the job has its checkpoints (execution.checkpointing.dir).",
)
@click.option(
    "--dead-letters",
    "dead_letters",
    metavar="FILE",
    default="-",
    help="Where effects go that are given up, as JSON lines; - is stdout.",
)
@click.option("--dry-run", is_flag=True, help="Say how many there are, and do none.")
def command(target: str, checkpoints: str, dead_letters: str, *, dry_run: bool) -> None:
    """Do what a job on Flink left when its inputs were over. The job must not run meanwhile.

    Its next start does the same, so this is for jobs that are not started again.
    """
    from headrace.outbox import finish, left_by
    from headrace.settings import settled_here
    from headrace_cli import _files
    from headrace_cli._targets import load_job

    plans = [settled_here(plan) for plan in load_job(target, {}).plans.values()]
    if dry_run:
        count = sum(len(left_by(plan, checkpoints)) for plan in plans)
        click.echo(f"{count:,} effects would be done", err=True)
        return
    letters: list[dict[str, Any]] = []
    counts = [finish(plan, checkpoints, letters.append) for plan in plans]
    done, given_up = (sum(some) for some in zip(*counts, strict=True))
    if letters:
        lines = "".join(f"{json.dumps(letter)}\n" for letter in letters)
        _files.write_text(dead_letters, lines)
    click.echo(f"{done:,} effects done, {given_up:,} given up", err=True)
    if given_up:
        raise SystemExit(1)
