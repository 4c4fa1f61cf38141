"""``agents skills new``: a skill to start from."""

from __future__ import annotations

from pathlib import Path

import click

from headrace_cli._errors import CommandError, WrongUseError

__all__ = ["command"]

_MAX_DESCRIPTION = 1024  # the standard's


@click.command("new")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder of skills (this project's, or the working folder).",
)
@click.option("--description", metavar="TEXT", help="What it does, and when to use it.")
@click.option("--script", is_flag=True, help="With a small Python script that works.")
@click.option("--dry-run", is_flag=True, help="Tell what would be written, and write nothing.")
def command(
    name: str,
    into: Path | None,
    description: str | None,
    script: bool,  # noqa: FBT001
    dry_run: bool,  # noqa: FBT001
) -> None:
    """Make a new skill called NAME."""
    from headrace_skills.checking import SkillNameError, files_of_new, write_new
    from headrace_skills.errors import SkillPathError

    _check_description(description)
    folder = (into or _default_folder()) / name
    try:
        files = files_of_new(name, description, script=script)
    except SkillNameError as error:
        raise WrongUseError(str(error), then=f"agents skills new {error.nearest}") from None
    if folder.is_symlink() or folder.exists():
        raise CommandError(f"{folder} is there already", then=f"agents skills check {folder}")
    if dry_run:
        for path in files:
            click.echo(f"would write {folder / path}")
        return
    try:
        write_new(folder.parent, name, files)
    except SkillPathError as error:
        raise CommandError(str(error)) from None
    for path in files:
        click.echo(f"wrote {folder / path}")
    click.echo(f"next: write its description and steps, then: agents skills check {folder}")


def _default_folder() -> Path:
    from headrace_cli._project import nearest_project
    from headrace_cli._skills import own_folders

    own = own_folders(nearest_project(Path.cwd()))
    return Path(own[0]) if own else Path()


def _check_description(text: str | None) -> None:
    from headrace_skills._text import has_hidden

    if text is None:
        return
    shown = " ".join(text.split())
    if not shown:
        raise WrongUseError("--description is empty")
    if len(shown) > _MAX_DESCRIPTION:
        raise WrongUseError(
            f"--description has {len(shown):,} characters, over {_MAX_DESCRIPTION:,}",
            then="say what it does and when to use it; the rest belongs into the body",
        )
    if has_hidden(shown):
        raise WrongUseError("--description has characters that are not seen")
