"""``agents init``: a working agent project."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace_cli._errors import CommandError, WrongUseError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["command"]

_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


@click.command("init")
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", metavar="NAME", help="The project's name. Default: the folder's.")
@click.option("--yaml", is_flag=True, help="With the agent in agents.yaml, and its schema.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
def command(folder: Path, name: str | None, yaml: bool, dry_run: bool) -> None:  # noqa: FBT001
    """Make an agent project in FOLDER: an agent, its inputs, a test.

    A pyproject.toml that is there keeps its comments and order; no file is overwritten.
    """
    files = _files(folder, name, yaml=yaml)
    if dry_run:
        for path in files:
            click.echo(f"would write {folder / path}")
        return
    _write(folder, files)
    for path in files:
        click.echo(f"wrote {folder / path}")
    click.echo(f"next: agents run {folder}")


def _files(folder: Path, name: str | None, *, yaml: bool) -> dict[str, str]:
    """What is to be written, by its path in the folder."""
    from headrace_cli._pyproject import add_agent, new_pyproject
    from headrace_cli._starter import starter_files, yaml_files

    project = name or _name_of(folder)
    if not _NAME.fullmatch(project):
        raise WrongUseError(
            f"{project!r} cannot be a project's name",
            why="it begins with a letter and has letters, digits, and . _ - between them",
            then="--name NAME",
        )
    words = re.split(r"[._-]+", project.lower())
    module = "_".join([*words, "agent"])
    agent = "".join(word.capitalize() for word in words)
    files = starter_files(project, module, agent)
    if yaml:
        files |= yaml_files(module, agent)
    pyproject = folder / "pyproject.toml"
    there = pyproject.exists()
    if there:
        files.pop("README.md")  # the project has its own
    for path in files:
        if (folder / path).exists():
            raise CommandError(f"{folder / path} is there already, and nothing was written")
    target = f"agents.yaml:{agent}" if yaml else f"{module}:{agent}"
    files["pyproject.toml"] = (
        add_agent(pyproject, _text(pyproject), target) if there else new_pyproject(project, target)
    )
    return files


def _text(path: Path) -> str:
    """What a file says, its line ends as they are."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise CommandError("this is not UTF-8", where=str(path), why=str(error)) from None


def _name_of(folder: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-._")
    return name or "agent"


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Writes all of the files, or none: what was written before a failure is taken away."""
    from headrace_cli._files import write_text

    written: list[Path] = []
    made: list[Path] = []
    try:
        for path, text in files.items():  # the pyproject.toml last: with it, it is a project
            target = folder / path
            for above in reversed([one for one in target.parents if not one.exists()]):
                above.mkdir()
                made.append(above)
            existed = target.exists()
            write_text(str(target), text)
            if not existed:
                written.append(target)
    except BaseException:
        for one in written:
            one.unlink(missing_ok=True)
        for one in reversed(made):
            one.rmdir()
        raise
