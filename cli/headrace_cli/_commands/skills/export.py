"""``agents skills export``: installed skills lent to coding agents that read folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from headrace_skills import SkillSet
    from headrace_skills.exporting import Export

__all__ = ["command"]

_DONE = {"create": "new", "update": "updated", "remove": "removed", "refused": "refused"}
_TO_DO = {"create": "missing", "update": "out of step", "remove": "to remove", "refused": "refused"}


@click.command("export")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--to",
    "target",
    type=click.Path(file_okay=False, path_type=Path),
    default=".agents/skills",
    show_default=True,
    metavar="DIR",
    help="The folder that coding agents read.",
)
@click.option("--copy", "how", flag_value="copy", help="Copies in place of links.")
@click.option("--link", "how", flag_value="link", help="Links to where pip put them: the default.")
@click.option("--check", is_flag=True, help="Only tell whether all is in step; if not, exit 1.")
@click.option("--force", is_flag=True, help="Replace exported skills that were changed since.")
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    target: Path,
    how: Literal["link", "copy"] | None,
    check: bool,  # noqa: FBT001
    force: bool,  # noqa: FBT001
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Lend the installed skills, or those of NAMES, to coding agents that read a folder.

    Type it again after an installation: what was exported follows its package, and goes with it.
    What somebody else put into the folder, or changed there, is left alone.
    """
    from headrace_skills.exporting import export_skills

    only_told = check or dry_run
    done = export_skills(_installed(), target, names=names, how=how, force=force, dry_run=only_told)
    if as_json:
        import json

        click.echo(json.dumps(_as_data(done), indent=2))
    else:
        _print(done, target, _TO_DO if only_told else _DONE)
    if done.refused or (check and not done.in_step):
        ctx.exit(1)


def _installed() -> SkillSet:
    """What is installed, as the project lets it in."""
    from headrace_cli._project import nearest_project
    from headrace_skills import find_skills

    project = nearest_project(Path.cwd())
    return find_skills(
        choose=project.skill_pins,
        allow=project.plugin_rules.get("allow"),
        block=project.plugin_rules.get("block"),
    )


def _print(done: Export, target: Path, words: dict[str, str]) -> None:
    for step in done.steps:
        if step.action == "skipped":
            click.echo(f"{step.name}: left out: {step.why} ({step.source})", err=True)
        elif step.action != "same":
            of = f" ({step.source})" if step.source else ""
            why = f": {step.why}" if step.why else ""
            click.echo(f"{step.name}: {words[step.action]}{of}{why}", err=step.action == "refused")
    if words is _TO_DO:
        click.echo(f"{target}: {'in step' if done.in_step else 'not in step'}")
    else:
        lent = sum(step.action in ("same", "create", "update") for step in done.steps)
        click.echo(f"{target}: {lent} skill{'' if lent == 1 else 's'} of installed packages")


def _as_data(done: Export) -> dict[str, Any]:
    return {
        "target": str(done.target),
        "in_step": done.in_step,
        "skills": [
            {"name": one.name, "action": one.action, "from": one.source, "why": one.why}
            for one in done.steps
        ],
    }
