"""``agents schema``: the JSON schema of agents written in YAML."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("schema")
def command() -> None:
    """Print the JSON schema of agents in YAML, for editors."""
    import json

    from headrace.agent_yaml import schema

    click.echo(json.dumps(schema(), indent=2))
