"""Options that the commands of ``agents logs`` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace_cli._logs._filters import Wanted
    from headrace_cli._logs._reading import Problems

__all__ = ["PATHS", "chosen", "filtering", "told", "wanted"]

Command = TypeVar("Command", bound="Callable[..., Any]")

PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
_FAULTS = ("model", "tool", "parse", "action", "runtime")
_MANY = (
    ("--key", "keys", "KEY", "Of this key; repeat."),
    ("--run", "runs", "ID", "Of this run; its beginning will do; repeat."),
    ("--agent", "agents", "NAME", "Of this agent, sub-agent or member; repeat."),
    ("--type", "types", "TYPE", "Of this type, or below it: model, event.shop; repeat."),
    ("--skill", "skills", "NAME", "What was done with this skill; repeat."),
)


def filtering(command: Command) -> Command:
    """Adds the options that say which records are wanted."""
    options = [
        click.option(name, into, multiple=True, metavar=shown, help=told)
        for name, into, shown, told in _MANY
    ]
    options += [
        click.option("--since", metavar="TIME", help="Not before: 10min (ago), or a date."),
        click.option("--until", metavar="TIME", help="Before."),
        click.option("--failed", is_flag=True, help="Failures only."),
        click.option("--error", default="", metavar="TEXT", help="Failures that say this."),
        click.option(
            "--fault", "faults", multiple=True, type=click.Choice(_FAULTS), help="Whose fault."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def wanted(typed: Mapping[str, Any]) -> Wanted:
    """What the options say."""
    from headrace_cli._logs._filters import Wanted, instant

    return Wanted(
        keys=typed["keys"],
        runs=typed["runs"],
        agents=typed["agents"],
        types=typed["types"],
        skills=typed["skills"],
        faults=typed["faults"],
        failed=typed["failed"] or bool(typed["error"]),
        error=typed["error"],
        since=None if typed["since"] is None else instant(typed["since"], "--since"),
        until=None if typed["until"] is None else instant(typed["until"], "--until"),
    )


def chosen(paths: tuple[Path, ...]) -> list[Path]:
    """The paths that were typed, or where the project's settings put the log.

    Raises:
        WrongUseError: Neither says any.
    """
    if paths:
        return list(paths)
    from headrace_cli._project import nearest_project

    project = nearest_project(Path.cwd())
    folder = project.runtime.get("log.folder")
    if not isinstance(folder, str):
        raise WrongUseError(
            "it is not said where the event log is",
            why="PATH is a file or folder of one; the setting log.folder names none",
            then="agents run ... --set log.folder=logs, then give logs as PATH",
        )
    return [project.folder / folder]


def told(problems: Problems) -> None:
    """Says on stderr what was wrong with the files."""
    for line in problems.lines():
        click.echo(f"{click.style('warning:', fg='yellow')} {line}", err=True)
