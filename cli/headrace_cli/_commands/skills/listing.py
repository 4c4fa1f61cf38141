"""``agents skills list``: the skills of this environment and of folders; nothing is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._tables import table

if TYPE_CHECKING:
    from headrace_skills import SkillSet

__all__ = ["command"]

_SHOWN = 60  # characters of a description in the table


@click.command("list")
@click.option(
    "--folder",
    "folders",
    multiple=True,
    metavar="FOLDER",
    help="Also look in this folder, which is a skill or holds skills.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(folders: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001
    """List the skills of installed packages and of folders."""
    from headrace_skills import find_skills

    found = find_skills(folders=[*_own_folders(), *folders])
    if as_json:
        import json

        click.echo(json.dumps(_as_data(found), indent=2))
        return
    if found.skills:
        rows = [
            (skill.name, skill.version or "", skill.source, _shortened(skill.description))
            for skill in found.skills
        ]
        click.echo(table(("NAME", "VERSION", "FROM", "DESCRIPTION"), rows))
    else:
        click.echo("no skill is installed (--folder FOLDER looks in a folder)")
    for conflict in found.conflicts:
        sources = " and ".join(one.source for one in conflict.claims)
        click.echo(f"{conflict.name}: conflict: {sources} have a skill of this name")
    for broken in found.broken:
        click.echo(f"{broken.name}: broken: {broken.reason} ({broken.source})")
    for skill in found.skills:
        for warning in skill.warnings:
            click.echo(f"{skill.name}: warning: {warning}")


def _own_folders() -> list[str]:
    """The folder ``skills`` of this folder's project, where it has one."""
    from headrace_cli._project import nearest_project

    project = nearest_project(Path.cwd())
    folder = project.folder / "skills"
    return [str(folder)] if project.agent is not None and folder.is_dir() else []


def _as_data(found: SkillSet) -> dict[str, Any]:
    return {
        "skills": [
            {
                "name": skill.name,
                "description": skill.description,
                "distribution": skill.distribution,
                "version": skill.version,
                "from": skill.source,
                "root": str(skill.root),
                "license": skill.license,
                "compatibility": skill.compatibility,
                "warnings": list(skill.warnings),
            }
            for skill in found.skills
        ],
        "conflicts": [
            {"name": conflict.name, "claims": [one.source for one in conflict.claims]}
            for conflict in found.conflicts
        ],
        "broken": [
            {"name": one.name, "root": str(one.root), "from": one.source, "why": one.reason}
            for one in found.broken
        ],
    }


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."
