"""Changes of a project's packages on the command line: shown, agreed to, made."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from headrace_cli._errors import CommandError
from headrace_cli._project import nearest_project
from headrace_cli._review import show_objections, show_review

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace_registry.changes import Plan, Project

__all__ = ["How", "Noun", "carry_out", "change_options", "opened", "project_folder"]

Noun = Literal["skills", "plugins"]
"""What the user calls the packages: the group that the command is in."""


@dataclass(frozen=True, slots=True)
class How:
    """How a change is to be made, as the command line says."""

    yes: bool
    """Whether it is agreed to as a whole."""
    accept: tuple[str, ...]
    """Rules of the audit whose findings are accepted."""
    allow_downgrade: bool
    """Whether packages may get older versions."""
    dry_run: bool
    """Whether it is only to be shown."""
    no_sync: bool
    """Whether nothing is to be installed."""
    python: Path | None
    """The Python, or its environment, to install into; ``None``: the project's."""
    offline: bool
    """Whether the network is not to be used."""
    as_json: bool
    """Whether JSON is printed."""


def change_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that all commands have which change packages, given to them as ``how``."""

    @wraps(function)
    def command(**given: Any) -> Any:
        how = How(**{one.name: given.pop(one.name) for one in fields(How)})
        return function(how=how, **given)

    options = (
        click.option("-y", "--yes", is_flag=True, help="Do not ask."),
        click.option(
            "--accept",
            multiple=True,
            metavar="RULE",
            help="Accept the high findings of this rule of the audit.",
        ),
        click.option("--allow-downgrade", is_flag=True, help="Packages may get older versions."),
        click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
        click.option("--no-sync", is_flag=True, help="Change project and lock; install nothing."),
        click.option(
            "--python",
            type=click.Path(path_type=Path),
            metavar="PATH",
            help="The Python, or its environment, to install into.",
        ),
        click.option("--offline", is_flag=True, help="Use what is in the cache."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    )
    found: Callable[..., Any] = command
    for option in reversed(options):
        found = option(found)
    return found


def project_folder() -> Path:
    """The folder of the project that one stands in.

    Raises:
        CommandError: There is none.
    """
    folder = nearest_project(Path.cwd()).folder
    for place in (folder, *folder.parents):
        if (place / "pyproject.toml").is_file():
            return place
    raise CommandError(
        "there is no project here",
        where=str(Path.cwd()),
        why="neither this folder nor one above it has a pyproject.toml",
        then="agents init",
    )


@contextmanager
def opened(*, offline: bool) -> Iterator[Project]:
    """The project that one stands in, held against other commands, with its registries asked.

    What a command that was killed had begun is taken back first.
    """
    from headrace_registry.changes import open_project
    from headrace_registry.projects import project_lock, recover

    folder = project_folder()
    with project_lock(folder, what=click.get_current_context().command_path):
        for path in recover(folder):
            click.echo(
                f"{path} was put back: a command that changed it was stopped. The environment may "
                "have more than the lock says: agents sync",
                err=True,
            )
        yield open_project(folder, offline=offline).refreshed()


def carry_out(plan: Plan, how: How) -> bool:
    """Shows a change, asks, and makes it.

    Returns:
        Whether it was made.

    Raises:
        CommandError: It was not agreed to, and nothing was changed.
    """
    from headrace_registry.changes import objections

    if not how.as_json:
        show_review(plan.review, nothing=plan.changes_nothing)
    against = objections(plan.review, accept=how.accept, downgrades=how.allow_downgrade)
    if plan.changes_nothing and not how.dry_run:
        _apply(plan, sync=False, python=None)  # there is nothing to agree to
    if how.dry_run or plan.changes_nothing:
        if how.as_json:
            _print(plan, applied=False, objections=[one.as_data() for one in against])
        else:
            show_objections(against)
        return False
    _agree(plan, how)
    installed = _apply(plan, sync=not how.no_sync, python=how.python)
    if how.as_json:
        _print(plan, applied=True, installed=installed)
    else:
        click.echo(installed["text"] if installed else "project and lock are changed: agents sync")
    return True


def _agree(plan: Plan, how: How) -> None:
    """Returns when all is agreed to.

    Raises:
        CommandError: It is not.
    """
    from headrace_registry.changes import objections

    asking = sys.stdin.isatty() and not how.as_json and not how.yes
    downgrades = how.allow_downgrade
    if asking and not downgrades:
        older = [move for move in plan.review.moves if move.kind == "down"]
        downgrades = all(
            click.confirm(f"{one.name} gets older: {one.before} -> {one.after}. Is that right?")
            for one in older
        )
    against = objections(plan.review, accept=how.accept, downgrades=downgrades)
    if against:
        show_objections(against)
        options = " ".join(dict.fromkeys(one.option for one in against))
        raise CommandError(
            "nothing was changed", then=f"look at it; then, if it is right: {options}"
        )
    if how.yes or (asking and click.confirm("Make this change?", default=True)):
        return
    if asking:
        raise CommandError("nothing was changed", why="it was not agreed to")
    raise CommandError("nothing was changed: nobody can be asked here", then="--yes")


def _apply(plan: Plan, *, sync: bool, python: Path | None) -> dict[str, Any]:
    from headrace_registry.changes import apply
    from headrace_registry.locking import Environment

    if not sync:
        apply(plan, None)
        return {}
    environment = Environment.find(plan.before.folder, python)
    report = apply(plan, environment, progress=lambda line: click.echo(line, err=True))
    return {"environment": str(environment), "text": str(report)}


def _print(plan: Plan, *, applied: bool, **more: Any) -> None:
    import json

    click.echo(json.dumps({**plan.review.as_data(), "applied": applied, **more}, indent=2))
