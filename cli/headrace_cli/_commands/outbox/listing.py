"""``agents outbox list``: what waits to be done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from headrace.operator import Effect

__all__ = ["command"]

_SHOWN = 100


@click.command("list")
@click.argument("target", required=False)
@click.option(
    "--state",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The state file of a job on this machine.",
)
@click.option(
    "--checkpoints",
    metavar="FOLDER",
    help="Where the job TARGET had its checkpoints on Flink: what it left when it ended.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    target: str | None, state: Path | None, checkpoints: str | None, *, as_json: bool
) -> None:
    """Show effects that are not done yet, with the last error of those that were tried."""
    from headrace.outbox import left_by, waiting_in

    if state is not None and checkpoints is None:
        found = waiting_in(state)
    elif checkpoints is not None and target is not None and state is None:
        from headrace_cli._targets import load_job

        plans = load_job(target, {}).plans.values()
        found = [effect for plan in plans for effect in left_by(plan, checkpoints)]
    else:
        raise WrongUseError(
            "where are the effects?",
            then="agents outbox list --state FILE, or agents outbox list TARGET --checkpoints DIR",
        )
    told = [_told(effect) for effect in found]
    if as_json:
        click.echo(json.dumps({"effects": told}, indent=2))
        return
    for one in told[:_SHOWN]:
        error = f"  {one['error']}" if one["error"] else ""
        click.echo(f"{one['effect']}  key {one['key']}  tries {one['attempts']}{error}")
    if len(told) > _SHOWN:
        click.echo(f"... {len(told) - _SHOWN:,} more (--json shows all)")
    click.echo(f"{len(told):,} effects wait")


def _told(effect: Effect) -> dict[str, Any]:
    from headrace.values import to_jsonable

    return {
        "effect": effect.function,
        "key": to_jsonable(effect.of),
        "arguments": effect.arguments,
        "idempotency_key": effect.key,
        "run": effect.run,
        "asked": effect.asked,
        "attempts": effect.attempts,
        "due": effect.due or None,
        "expires": effect.expires,
        "error": effect.history[-1]["error"] if effect.history else None,
    }
