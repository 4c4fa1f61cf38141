"""``agents skills prepare``: the packages of scripts, installed before they are needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import CommandError
from headrace_cli._tables import table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from headrace_skills import Skill

__all__ = ["command"]


@click.command("prepare")
@click.argument("skills", nargs=-1, metavar="[NAME|PATH]...")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="The folder that scripts are given their packages from.",
)
@click.option("--python", metavar="X.Y", help="The Python of the workers. Default: this one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--dry-run", is_flag=True, help="Say what is asked for; install nothing.")
def command(
    skills: tuple[str, ...],
    into: Path,
    python: str | None,
    as_json: bool,  # noqa: FBT001
    dry_run: bool,  # noqa: FBT001
) -> None:
    """Install what Python scripts declare (PEP 723), so that no worker has to.

    Of the skills that are named, or lie at a PATH; without any, of all that are installed and of
    the project's own. Wheels alone are installed, from the indexes that uv is set to.
    """
    from headrace_skills._script_packages import RUNNING, folder_name, prepare

    version = _checked(python) or RUNNING
    wanted: dict[tuple[str, ...], list[str]] = {}
    for skill in _chosen(skills):
        for script, requirements in _asked(skill):
            wanted.setdefault(requirements, []).append(f"{skill.name}/{script}")
    done = []
    for requirements, scripts in wanted.items():
        folder = into / folder_name(requirements, version)
        ready = folder.is_dir()
        if not ready and not dry_run:
            prepare(requirements, into, version)
        state = "was there" if ready else "would be made" if dry_run else "made"
        done.append(
            {
                "folder": str(folder),
                "state": state,
                "python": version,
                "requirements": list(requirements),
                "scripts": scripts,
            }
        )
    _show(done, as_json=as_json)


def _checked(python: str | None) -> str | None:
    import re

    if python is not None and not re.fullmatch(r"3\.\d{1,2}", python):
        raise click.BadParameter(f"{python!r} is no version such as 3.11", param_hint="--python")
    return python


def _chosen(named: tuple[str, ...]) -> Iterable[Skill]:
    from headrace_cli._project import nearest_project
    from headrace_skills import find_skills

    paths = [one for one in named if Path(one).is_dir()]
    names = [one for one in named if one not in paths]
    project = nearest_project(Path.cwd())
    own = project.folder / "skills"
    if project.agent is not None and own.is_dir() and len(paths) < max(1, len(named)):
        paths.append(str(own))
    found = find_skills(folders=paths, installed=not named or bool(names))
    if not named:
        return tuple(found)
    places = {str(Path(one).resolve()) for one in named if Path(one).is_dir()}
    at_paths = [
        one
        for one in found
        if {str(one.root), *map(str, one.root.parents)} & places and one.distribution is None
    ]
    for broken in found.broken:
        if str(broken.root) in places:
            raise CommandError(f"the skill {broken.name!r} cannot be used", why=broken.reason)
    by_name = [found.get(name) for name in names]
    return tuple({one.root: one for one in (*by_name, *at_paths)}.values())


def _asked(skill: Skill) -> Iterable[tuple[str, tuple[str, ...]]]:
    """A skill's Python scripts that ask for packages, and for which."""
    from headrace_skills._script_packages import requirements_of
    from headrace_skills._scripts import FOLDER, is_python

    for file in skill.files:
        if file.path.startswith(f"{FOLDER}/") and is_python(skill, file.path):
            requirements = requirements_of(skill, file.path)
            if requirements:
                yield file.path, requirements


def _show(done: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        import json

        click.echo(json.dumps({"packages": done}, indent=2))
        return
    if not done:
        click.echo("no script asks for packages")
        return
    rows = [
        (one["state"], Path(one["folder"]).name, " ".join(one["requirements"]), script)
        for one in done
        for script in one["scripts"]
    ]
    click.echo(table(("STATE", "FOLDER", "REQUIREMENTS", "SCRIPT"), rows))
