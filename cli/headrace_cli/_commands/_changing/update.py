"""``update``: newer versions, with what changes in the text of skills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace_cli._changing import How, Noun, carry_out, change_options, opened

if TYPE_CHECKING:
    from headrace_registry.changes import Project
    from headrace_registry.sources import Collected

__all__ = ["update_command"]


def update_command(noun: Noun) -> click.Command:
    """``agents NOUN update``."""

    @click.command("update")
    @click.argument("names", nargs=-1, metavar="[NAME]...")
    @click.option("--build", is_flag=True, help="Build Python projects, which runs their code.")
    @change_options
    def command(names: tuple[str, ...], **options: Any) -> None:
        """Move packages to the newest versions that the project lets in; all without NAME.

        What changes in the text of skills is shown. Folders and git branches that packages of
        vendor/ were made of are read anew.
        """
        _update(names, **options)

    command.short_help = f"Move {noun} to newer versions, and show what changes."
    return command


def _update(
    names: tuple[str, ...],
    *,
    build: bool,
    how: How,
) -> None:
    from headrace_registry.changes import plan_update

    with opened(offline=how.offline) as project:
        plan = plan_update(project, names, lambda package: _collect(project, package, build=build))
        carry_out(plan, how)


def _collect(project: Project, package: str, *, build: bool) -> Collected:
    """The package of ``vendor/`` from its source, as that is now."""
    from headrace_registry.errors import SourceError
    from headrace_registry.sources import collect, parse_spec

    spec = project.settings.sources[package].spec
    found = collect(
        parse_spec(spec),
        project=project.folder,
        folder=project.folder,
        build=build,
        offline=project.offline,
    )
    for one in found:
        if one.name == package:
            return one
    raise SourceError(f"{spec} has no {package} any more\n  next: agents skills remove {package}")
