"""``agents login``: a person signs in for tools that ask for it."""

from __future__ import annotations

from typing import Any

import click

from headrace_cli._errors import CommandError, WrongUseError

__all__ = ["command"]


@click.command("login")
@click.argument("target")
@click.argument("name", required=False)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Where the browser returns.")
@click.option("--no-browser", is_flag=True, help="Only print the address to open.")
@click.option("--timeout", type=click.FloatRange(min=1), default=300.0, show_default=True)
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter.")
@click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    metavar="FILE.yaml",
    help="A YAML file read together with the agent's; repeat.",
)
def command(target: str, name: str | None, **typed: Any) -> None:
    """Sign in to the servers of an agent's tools, once, with a browser.

    NAME is that of the tools; all that ask for a sign-in where it is left out. What comes of it is
    kept in a file of yours, outside of the project, and renewed from there.
    """
    import asyncio

    from headrace.errors import ResourceError, ToolError
    from headrace.signing_in import toolsets_signed_in_for
    from headrace_cli._parameters import agent_parameters
    from headrace_cli._targets import load_target

    plan = load_target(target, agent_parameters(typed["parameters"], None), typed["files"]).plan
    found = toolsets_signed_in_for(plan)
    if name is not None and name not in found:
        raise WrongUseError(
            f"{plan.name} has no tools {name!r} that somebody signs in for",
            why=f"there is: {', '.join(found)}" if found else "",
        )
    if not found:
        click.echo(f"nothing of {plan.name} asks for a sign-in", err=True)
        return
    for one, toolset in found.items():
        if name not in {None, one}:
            continue
        try:
            kept = asyncio.run(
                toolset.sign_in(
                    _shown(one, browser=not typed["no_browser"]),
                    port=typed["port"],
                    seconds=typed["timeout"],
                )
            )
        except (ResourceError, ToolError) as error:
            raise CommandError(f"nobody was signed in for {one!r}", why=str(error)) from error
        click.echo(f"signed in for {one!r}: kept in {kept}")


def _shown(name: str, *, browser: bool) -> Any:
    def show(asks: str, url: str) -> None:
        click.echo(
            f"{asks} asks you to sign in for {name!r}. Open in a browser:\n  {url}", err=True
        )
        if browser:
            import webbrowser

            webbrowser.open(url)

    return show
