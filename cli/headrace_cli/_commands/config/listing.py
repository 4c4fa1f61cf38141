"""``agents config list``: all settings, names of ``[tool.agents]`` and environment variables."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from headrace_cli._errors import WrongUseError

__all__ = ["command"]


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", is_flag=True, help="The tables of docs/settings.md.")
def command(as_json: bool, markdown: bool) -> None:  # noqa: FBT001
    """List all settings with default, unit and meaning."""
    from headrace.settings import VARIABLES, runtime_settings
    from headrace_cli._project_table import as_markdown, project_settings
    from headrace_cli._tables import table

    if as_json and markdown:
        raise WrongUseError("--json and --markdown are two forms: choose one")
    settings = list(runtime_settings().values())
    if markdown:
        click.echo(as_markdown(), nl=False)
        return
    if as_json:
        data = {
            "settings": [{**asdict(one), "variable": one.variable} for one in settings],
            "project": [asdict(one) for one in project_settings()],
            "environment": [asdict(one) for one in VARIABLES],
        }
        click.echo(json.dumps(data, indent=2))
        return
    rows = [
        (one.name, "none" if one.default is None else str(one.default), one.unit, one.meaning)
        for one in settings
    ]
    click.echo(table(("SETTING", "DEFAULT", "UNIT", "MEANING"), rows))
    click.echo()
    project = [(one.name, one.default, one.meaning) for one in project_settings()]
    click.echo(table(("[tool.agents]", "DEFAULT", "MEANING"), project))
    click.echo()
    variables = [(one.name, one.default, one.meaning) for one in VARIABLES if not one.internal]
    click.echo(table(("ENVIRONMENT", "DEFAULT", "MEANING"), variables).replace("`", ""))
