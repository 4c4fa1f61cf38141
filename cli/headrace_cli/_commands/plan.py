"""``agents plan``: compiles an agent, and shows what came of it."""

from __future__ import annotations

import click

from headrace_cli._errors import WrongUseError

__all__ = ["command"]


@click.command("plan")
@click.argument("target")
@click.option("--json", "as_json", is_flag=True, help="The plan itself, as workers read it.")
@click.option("--mermaid", is_flag=True, help="A flow chart in Mermaid.")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter.")
@click.option("--model", metavar="NAME", help="Short for --param model=NAME.")
@click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    metavar="FILE.yaml",
    help="A YAML file read together with the agent's, such as its connections; repeat.",
)
@click.option("--pin", is_flag=True, help="With what servers offer now, as in a job's zip.")
@click.option("-o", "output", metavar="FILE", default="-", help="Where to write; - is stdout.")
def command(
    target: str,
    as_json: bool,  # noqa: FBT001
    mermaid: bool,  # noqa: FBT001
    parameters: tuple[str, ...],
    model: str | None,
    files: tuple[str, ...],
    pin: bool,  # noqa: FBT001
    output: str,
) -> None:
    """Compile an agent without running it, and show its plan.

    All faults that can be known early are told at once, each with its place.
    """
    from headrace_cli import _files, _rendering
    from headrace_cli._parameters import agent_parameters
    from headrace_cli._targets import load_target

    if as_json and mermaid:
        raise WrongUseError("--json and --mermaid are two forms: choose one")
    plan = load_target(target, agent_parameters(parameters, model), files).plan
    if pin:
        import asyncio

        from headrace.pinning import pin_plan

        plan = asyncio.run(pin_plan(plan))
    if as_json:
        text = plan.model_dump_json(indent=2)
    elif mermaid:
        text = _rendering.mermaid(plan)
    else:
        text = _rendering.tree(plan)
    _files.write_text(output, text + "\n")
