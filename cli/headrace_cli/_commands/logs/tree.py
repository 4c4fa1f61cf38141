"""``agents logs tree``: a run from its beginning to its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace_cli._errors import CommandError
from headrace_cli._logs._options import PATHS, chosen, told

if TYPE_CHECKING:
    from headrace_cli._logs._tree import Run

__all__ = ["command"]

_MOST = 20


@click.command("tree")
@click.argument("run", metavar="RUN")
@PATHS
@click.option("--html", type=click.Path(path_type=Path), help="Write a page with its timeline.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(run: str, paths: tuple[Path, ...], *, html: Path | None, as_json: bool) -> None:
    """Show all that a run did, what caused what, with times, tokens and cost.

    RUN is a run's id, or how it begins.
    """
    from headrace_cli._logs._asking import records_of_run
    from headrace_cli._logs._reading import Problems
    from headrace_cli._logs._tree import runs_of

    problems = Problems()
    found = runs_of(records_of_run(run, chosen(paths), problems))
    told(problems)
    if not found:
        raise CommandError(f"the log has no run {run!r}", then="agents logs list --type run")
    if len(found) > _MOST:
        raise CommandError(
            f"{len(found):,} runs begin with {run!r}", then="give more of the run's id"
        )
    if html is not None:
        from headrace_cli._logs._page import page

        html.write_text(page(found), encoding="utf-8")
        click.echo(f"wrote {html}", err=True)
    elif as_json:
        import json

        click.echo(json.dumps([_data(one) for one in found], indent=2))
    else:
        for one in found:
            _show(one)


def _show(run: Run) -> None:
    from headrace_cli._logs._shown import clock, key_of, plain, seconds, summary, titled

    cost = f", cost {run.cost}" if run.cost.told else ""
    click.echo(
        f"run {plain(run.id)} of {plain(run.root.record.get('agent', '?'))}"
        f"{key_of(run.root.record)}: {clock(run.begin)}, {seconds(run.end - run.begin)}, "
        f"{run.tokens_in:,}+{run.tokens_out:,} tokens{cost}"
        + ("" if run.ended else ", its end is not in the log")
    )
    for depth, node in run.walk():
        again = f"  (again {node.replayed} times)" if node.replayed else ""
        parts = [
            f"{(node.begin - run.begin) * 1000:>10,.1f} ms",
            "  " * min(depth, 30) + titled(node.record),
            seconds(node.record.get("duration")),
            summary(node.record),
        ]
        click.echo("  ".join(part for part in parts if part) + again)


def _data(run: Run) -> dict[str, object]:
    return {
        "run": run.id,
        "ended": run.ended,
        "begin": run.begin,
        "end": run.end,
        "input_tokens": run.tokens_in,
        "output_tokens": run.tokens_out,
        "cost": run.cost.data(),
        "unpriced_tokens": run.cost.unpriced,
        "nodes": [
            {"depth": depth, "replayed": node.replayed, **node.record} for depth, node in run.walk()
        ],
    }
