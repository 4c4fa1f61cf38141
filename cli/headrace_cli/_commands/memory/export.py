"""``agents memory export``: what is remembered, as JSON lines."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from headrace_cli._memory import line_of, opened, scope_of, scope_options

__all__ = ["command"]


@click.command("export")
@click.argument("target")
@scope_options
@click.option("-o", "output", metavar="FILE", default="-", help="Where to write; - is stdout.")
def command(target: str, **typed: Any) -> None:
    """Write memories as JSON lines, oldest first: all of a person's, of a key's, of the agent's."""
    from headrace_cli import _files
    from headrace_cli._parameters import agent_parameters
    from headrace_cli._targets import load_target

    plan = load_target(target, agent_parameters(typed["parameters"], None)).plan
    scope = scope_of(plan, typed)

    async def lines() -> list[str]:
        async with opened(plan, typed["member"]) as memory:
            return [line_of(item) async for item in memory.export(scope)]

    found = asyncio.run(lines())
    _files.write_text(typed["output"], "".join(f"{line}\n" for line in found))
    click.echo(f"{len(found):,} memories", err=True)
