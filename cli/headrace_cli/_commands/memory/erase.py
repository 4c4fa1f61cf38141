"""``agents memory erase``: forgets what is known of a person, for good."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from headrace_cli._commands.jobs._asking import confirmed
from headrace_cli._errors import WrongUseError
from headrace_cli._memory import opened, scope_of, scope_options

__all__ = ["command"]


@click.command("erase")
@click.argument("target")
@scope_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only count.")
def command(target: str, **typed: Any) -> None:
    """Erase memories for good: all of a person's, of a key's, or of the agent's.

    What was forgotten is not in the store's files either, as far as the store can see to that.
    """
    from headrace_cli._parameters import agent_parameters
    from headrace_cli._targets import load_target

    plan = load_target(target, agent_parameters(typed["parameters"], None)).plan
    scope = scope_of(plan, typed)
    if not scope:
        raise WrongUseError(
            "that would be all memories of all agents", then="name a --user or a --key"
        )

    async def count() -> int:
        async with opened(plan, typed["member"]) as memory:
            return len([item["id"] async for item in memory.export(scope)])

    async def erase() -> int:
        async with opened(plan, typed["member"]) as memory:
            return await memory.erase(scope)

    there = asyncio.run(count())
    whose = ", ".join(f"{name} {value}" for name, value in scope.items())
    if typed["dry_run"]:
        click.echo(f"{there:,} memories ({whose})")
        click.echo("nothing was erased: --dry-run", err=True)
        return
    if there:
        confirmed(f"Erase {there:,} memories ({whose})?", yes=typed["yes"])
    click.echo(f"erased: {asyncio.run(erase()):,} memories ({whose})")
