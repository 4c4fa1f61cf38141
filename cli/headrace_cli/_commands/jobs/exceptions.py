"""``agents jobs exceptions``: what went wrong with a job, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace_cli._commands.jobs._asking import cluster_options, job_of, opened, print_json
from headrace_cli._commands.jobs._telling import failure_data, failure_text, moment

if TYPE_CHECKING:
    from headrace_cli._commands.jobs._asking import Asked

__all__ = ["command"]


@click.command("exceptions")
@click.argument("job", metavar="JOB")
@click.option("--full", is_flag=True, help="Print Flink's whole stack traces too.")
@click.option(
    "--most",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    metavar="N",
    help="How many, counted from the newest.",
)
@cluster_options
def command(job: str, full: bool, most: int, asked: Asked) -> None:  # noqa: FBT001
    """Show why a job failed or restarted, newest first.

    Of a Python error: the exception, with those lines of its trace that are the job's own code.
    """
    from headrace_registry.clusters import explain_entry

    with opened(asked) as rest:
        found = job_of(rest, job)
        told = rest.exceptions(found.id, most=most)
    pairs = [(explain_entry(one), one) for one in told.entries]
    if asked.as_json:
        data = [
            {**failure_data(failure), **({"stacktrace": entry.stacktrace} if full else {})}
            for failure, entry in pairs
        ]
        print_json({"job": found.id, "exceptions": data, "truncated": told.truncated})
        return
    if not pairs:
        click.echo(f"{found.name} ({found.id[:8]}): nothing went wrong")
        return
    texts = []
    for failure, entry in pairs:
        text = failure_text(failure)
        if full:
            text += f"\n\n{entry.stacktrace.rstrip()}"
        texts.append(text)
    click.echo("\n\n".join(texts))
    if told.truncated:
        oldest = moment(told.entries[-1].time)
        click.echo(f"there are more before {oldest} (--most N)", err=True)
