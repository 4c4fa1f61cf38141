"""``agents skills list``: the skills of this environment and of folders; nothing is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace_cli._tables import table

if TYPE_CHECKING:
    from headrace_registry.standing import Standing
    from headrace_skills import Skill, SkillSet

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
    """List the skills of installed packages and of folders.

    In a project with a lock: with what is locked, what is newest, and who signed it.
    """
    from headrace_cli._skills import found_skills
    from headrace_cli._standing import not_installed, standings_here

    found, standings = found_skills(folders), standings_here()
    if as_json:
        import json

        click.echo(json.dumps(_as_data(found, standings), indent=2))
        return
    if found.skills:
        click.echo(_table(found, standings))
    else:
        click.echo("no skill is installed (--folder FOLDER looks in a folder)")
    for line in not_installed(standings):
        click.echo(line)
    for conflict in found.conflicts:
        sources = " and ".join(one.source for one in conflict.claims)
        click.echo(f"{conflict.name}: conflict: {sources} have a skill of this name")
        if pin := next((one.distribution for one in conflict.claims if one.distribution), None):
            line = f'"skills.{conflict.name}" = "{pin}"'
            click.echo(f"  choose one in pyproject.toml, [tool.agents.plugins]: {line}")
    for broken in found.broken:
        click.echo(f"{broken.name}: broken: {broken.reason} ({broken.source})")
    for skill in found.skills:
        for warning in skill.warnings:
            click.echo(f"{skill.name}: warning: {warning}")


def _table(found: SkillSet, standings: dict[str, Standing]) -> str:
    if not standings:
        rows = [
            (skill.name, skill.version or "", skill.source, _shortened(skill.description))
            for skill in found.skills
        ]
        return table(("NAME", "VERSION", "FROM", "DESCRIPTION"), rows)
    from headrace_cli._standing import COLUMNS, columns

    wide = [
        (
            skill.name,
            skill.version or "",
            *columns(standings.get(skill.distribution or "")),
            skill.source,
        )
        for skill in found.skills
    ]
    return table(("NAME", "VERSION", *COLUMNS, "FROM"), wide)


def _as_data(found: SkillSet, standings: dict[str, Standing]) -> dict[str, Any]:
    return {
        "skills": [
            {
                "name": skill.name,
                **_contents(skill),
                "description": skill.description,
                "distribution": skill.distribution,
                "version": skill.version,
                "from": skill.source,
                "root": str(skill.root),
                "project": _standing(standings.get(skill.distribution or "")),
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


def _standing(standing: Standing | None) -> dict[str, Any] | None:
    return None if standing is None else standing.as_data()


def _contents(skill: Skill) -> dict[str, Any]:
    """The files that make up a skill, and their digest; None where no wheel could carry them."""
    from headrace_skills.packing import PackingError, contents_of

    try:
        contents = contents_of(skill.root)
        return {"files": [one.path for one in contents.files], "digest": contents.digest()}
    except PackingError:
        return {"files": [one.path for one in skill.files], "digest": None}


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."
