"""``agents memory search``: what an agent would remember for a question."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from headrace_cli._memory import opened, scope_of, scope_options
from headrace_cli._plugins import print_json
from headrace_cli._tables import table

__all__ = ["command"]


@click.command("search")
@click.argument("target")
@click.argument("query")
@scope_options
@click.option("--limit", type=click.IntRange(1), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(target: str, query: str, **typed: Any) -> None:
    """Show the memories nearest to QUERY, best first."""
    from headrace_cli._parameters import agent_parameters
    from headrace_cli._targets import load_target

    plan = load_target(target, agent_parameters(typed["parameters"], None)).plan
    scope = scope_of(plan, typed)

    async def search() -> list[dict[str, Any]]:
        async with opened(plan, typed["member"]) as memory:
            return [dict(item) for item in await memory.search(scope, query, typed["limit"])]

    found = asyncio.run(search())
    if typed["as_json"]:
        print_json({"memories": found})
    elif found:
        rows = [
            (
                f"{item.get('score', 0):.2f}",
                ascii(item.get("scope", {}).get("user", "")),
                ascii(item["text"])[1:-1],
            )
            for item in found
        ]
        click.echo(table(("SCORE", "USER", "TEXT"), rows))
    else:
        click.echo("nothing is remembered of that")
