"""``agents skills info``: all that is known of a skill, installed or in a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import CommandError

if TYPE_CHECKING:
    from headrace_registry.catalogue import ReleaseSkill
    from headrace_skills import Skill

__all__ = ["command"]


@click.command("info")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(name: str, as_json: bool) -> None:  # noqa: FBT001
    """Show all that is known of the skill NAME, installed or of a registry.

    What registries have is told as it was last seen: agents registry refresh asks them.
    """
    found = [*_installed(name), *_offered(name)]
    if not found:
        raise CommandError(
            f"no skill called {name!r} is installed, or in a registry of this project",
            then=f"agents skills search {name}",
        )
    if as_json:
        import json

        click.echo(json.dumps(found, indent=2))
        return
    click.echo("\n\n".join(_text(one) for one in found))


def _installed(name: str) -> list[dict[str, Any]]:
    from headrace_cli._skills import found_skills
    from headrace_cli._standing import standings_here

    standings = standings_here()
    found = []
    for skill in found_skills().skills:
        if skill.name == name:
            standing = standings.get(skill.distribution or "")
            data = {"state": "installed", **_of_skill(skill)}
            found.append(data | ({} if standing is None else standing.as_data()))
    return found


def _of_skill(skill: Skill) -> dict[str, Any]:
    from dataclasses import asdict

    from headrace_skills import needs_of

    return {
        "name": skill.name,
        "package": skill.distribution,
        "version": skill.version,
        "description": skill.description,
        "license": skill.license,
        "compatibility": skill.compatibility,
        "root": str(skill.root),
        "files": [one.path for one in skill.files],
        "asks": asdict(needs_of(skill)),
    }


def _offered(name: str) -> list[dict[str, Any]]:
    from headrace_cli._standing import snapshots_here

    found = []
    for snapshot in snapshots_here():
        registry = snapshot.registry
        for package, release, skill in snapshot.catalogue.skills():
            if skill.name == name:
                found.append(
                    {
                        "state": "offered",
                        "registry": registry.name,
                        "package": package.name,
                        "version": release.version,
                        "versions": [one.version for one in package.releases],
                        "requires": list(release.requires),
                        "signed_by": registry.key,
                        **_of_release(skill),
                    }
                )
    return found


def _of_release(skill: ReleaseSkill) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "name": skill.name,
        "description": skill.description,
        "license": skill.license or None,
        "compatibility": skill.compatibility or None,
        "size": skill.size,
        "scripts": list(skill.scripts),
        "asks": asdict(skill.needs),
        "audit": [asdict(one) for one in skill.findings],
    }


def _text(data: dict[str, Any]) -> str:
    from headrace_skills._text import one_line

    lines = []
    for name, value in data.items():
        if name == "asks":
            lines += [(kind, ", ".join(some)) for kind, some in value.items() if some]
        elif name == "audit":
            told = [f"{one['severity']}: {one['rule']} at {one['file']}" for one in value]
            lines += [("audit", one) for one in told or ["nothing found"]]
        elif isinstance(value, list):
            lines.append((name, ", ".join(map(str, value))))
        elif value is not None:
            lines.append((name.replace("_", " "), str(value)))
    return "\n".join(f"{name + ':':<14}{one_line(text, 400)}" for name, text in lines if text)
