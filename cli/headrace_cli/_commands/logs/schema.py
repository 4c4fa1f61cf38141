"""``agents logs schema``: the JSON schema of a line."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("schema")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write.")
def command(output: Path | None) -> None:
    """Print the JSON schema of a log's lines."""
    import json

    from headrace.eventlog import log_schema

    text = json.dumps(log_schema(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
