"""``agents schema``: the JSON schema of agents written in YAML."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("schema")
@click.option("-o", "output", metavar="FILE", default="-", help="Where to write; - is stdout.")
def command(output: str) -> None:
    """Print the JSON schema of agents in YAML, for editors.

    A file that begins with `# yaml-language-server: $schema=agents.schema.json` is completed and
    checked while it is written, by editors that have the YAML language server.
    """
    import json

    from headrace.agent_yaml import schema
    from headrace_cli import _files

    _files.write_text(output, json.dumps(schema(), indent=2) + "\n")
