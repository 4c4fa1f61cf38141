"""``agents config explain``: what one setting, table or variable means."""

from __future__ import annotations

import click

from headrace_cli._errors import WrongUseError

__all__ = ["command"]


@click.command("explain")
@click.argument("name")
def command(name: str) -> None:
    """Say what a setting, a name of [tool.agents] or an environment variable means."""
    from headrace.settings import VARIABLES, nearest, runtime_settings
    from headrace_cli._project_table import project_settings

    settings = runtime_settings()
    project = {one.name: one for one in project_settings()}
    variables = {one.name: one for one in VARIABLES}
    own = name.removeprefix("headrace.")
    for found in [one for one in settings.values() if own in (one.name, one.variable)]:
        click.echo(f"{found.name}: {found.meaning}")
        click.echo(f"  type:        {found.type.replace('`', '')}")
        click.echo(f"  default:     {'none' if found.default is None else found.default}")
        if found.unit:
            click.echo(f"  unit:        {found.unit}")
        if not found.fixed:
            click.echo(f"  cluster:     headrace.{found.name}: VALUE, in Flink's config.yaml")
        click.echo(f"  project:     {found.name} = VALUE, below [tool.agents.settings]")
        click.echo(f"  environment: {found.variable}=VALUE")
        click.echo(f"  command:     --set {found.name}=VALUE")
        return
    of_project = project.get(name.removeprefix("tool.agents."))
    if of_project is not None:
        click.echo(f"[tool.agents] {of_project.name}: {of_project.meaning}")
        click.echo(f"  type:        {of_project.type.replace('`', '')}")
        click.echo(f"  default:     {of_project.default or 'none'}")
        return
    if name in variables:
        click.echo(f"{name}: {variables[name].meaning}".replace("`", ""))
        if variables[name].default:
            click.echo(f"  where it is not set: {variables[name].default}".replace("`", ""))
        return
    raise WrongUseError(
        f"there is no setting {name!r}",
        then=nearest(name, (*settings, *project, *variables)),
    )
