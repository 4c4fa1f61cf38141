"""``--check-pending``: the unfinished runs of a state file or a savepoint, against the code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import CommandError, WrongUseError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.jobs.pending import PendingRuns
    from headrace_cli._job import Job

__all__ = ["check_pending", "tell_pending"]


def check_pending(job: Job, *, as_json: bool) -> None:
    """Tells which runs of a state file do not fit; changes nothing.

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
    told = [
        {"key": run.key, "run": run.run_id, "input": run.input, "misfit": run.misfit}
        for run in runs
    ]
    _tell(
        told if as_json else None,
        [f"{run.key!r} (run {run.run_id}): {run.misfit}" for run in misfits],
        len(runs),
        len(misfits),
    )


def tell_pending(found: PendingRuns, *, as_json: bool) -> None:
    """Tells which runs of a savepoint do not fit, and of which agents it has nothing.

    Raises:
        CommandError: Some do not fit.
    """
    told: dict[str, Any] = {
        "runs": found.runs,
        "unfit": found.unfit,
        "shown": [
            {"agent": one.agent, "key": one.key, "run": one.run, "misfit": one.misfit}
            for one in found.shown
        ],
        "shards_with_state": dict(found.agents),
    }
    several = len(found.agents) > 1
    lines = [
        f"{one.agent + ': ' if several else ''}{one.key} (run {one.run}): {one.misfit}"
        for one in found.shown
    ]
    if found.unfit > len(found.shown):
        lines.append(f"... and {found.unfit - len(found.shown)} more")
    strangers = [name for name, shards in found.agents.items() if not shards]
    lines += [f"{name} has no state in the savepoint" for name in strangers]
    _tell(told if as_json else None, lines, found.runs, found.unfit)


def _tell(
    data: Mapping[str, Any] | Sequence[Any] | None, lines: list[str], runs: int, unfit: int
) -> None:
    if data is not None:
        click.echo(json.dumps(data, indent=2, default=str))
    else:
        for line in lines:
            click.echo(line, err=True)
        click.echo(f"unfinished runs: {runs}; that do not fit: {unfit}", err=True)
    if unfit:
        raise CommandError(
            f"{unfit} of {runs} unfinished runs do not fit the code",
            why="their journals hold other calls than it makes",
            then="let the old code finish them, or go on with --set journal_errors=rerun or "
            "dead_letter",
        )
