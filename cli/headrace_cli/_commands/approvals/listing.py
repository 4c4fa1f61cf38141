"""``agents approvals list``: the tool calls that wait for a decision."""

from __future__ import annotations

import json
import time

import click

from headrace_cli._plugins import print_json
from headrace_cli._tables import table

__all__ = ["command"]


@click.command("list")
@click.argument("requests", type=click.Path(), required=False)
@click.option("--to", "decisions", type=click.Path(), help="Where decisions are written.")
@click.option("--all", "everything", is_flag=True, help="Also those that are decided or over.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(requests: str | None, decisions: str | None, everything: bool, as_json: bool) -> None:  # noqa: FBT001
    """List the calls that wait.

    REQUESTS is the file or folder of the job's --approvals; in a project's folder, the one that
    [tool.agents.run] names.
    """
    from headrace_cli._approvals import Desk

    desk = Desk.of(requests, decisions)
    now = time.time()
    listed = [one for one in desk.calls(now) if everything or one.state == "waiting"]
    if as_json:
        print_json(
            {
                "approvals": [
                    {
                        **one.request.model_dump(mode="json"),
                        "state": one.state,
                        "decision": None
                        if one.decision is None
                        else one.decision.model_dump(mode="json"),
                    }
                    for one in listed
                ]
            }
        )
        return
    if not listed:
        click.echo("nothing waits for a decision" if not everything else "nothing was asked")
        return
    rows = [
        (
            one.request.id,
            one.state,
            f"{_age(now - one.request.asked)} ago",
            json.dumps(one.request.key),
            f"{one.request.tool}({_arguments(one.request.arguments)})",
        )
        for one in listed
    ]
    click.echo(table(("ID", "STATE", "ASKED", "KEY", "CALL"), rows))
    if any(one.state == "waiting" for one in listed):
        click.echo("next: agents approvals approve ID, or deny ID --note WHY", err=True)


_MOST = 200


def _arguments(arguments: dict[str, object]) -> str:
    # As JSON in ASCII: what a model wrote must not move the cursor.
    text = ", ".join(f"{json.dumps(name)[1:-1]}={json.dumps(v)}" for name, v in arguments.items())
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."


def _age(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"
