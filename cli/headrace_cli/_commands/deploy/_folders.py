"""What the commands of ``agents deploy`` have in common: their options, the job, what is told."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headrace_cli._commands.registry._keeping import progress
from headrace_cli._commands.verify import keys_for
from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from headrace_registry.deploying import Change, Files, Folder, Subject

__all__ = ["bad_options", "files_of", "options", "read_job", "tell_and_write"]

_Command = TypeVar("_Command", bound="Callable[..., Any]")
_SIGNS = {"new": "+", "changed": "~", "same": " ", "removed": "-"}


def options(function: _Command) -> _Command:
    """The zip, the folder, and the options that both systems have."""
    for one in reversed(
        (
            click.argument(
                "job",
                type=click.Path(exists=True, dir_okay=False, path_type=Path),
                metavar="JOB.zip",
            ),
            click.option(
                "-o",
                "folder",
                type=click.Path(path_type=Path),
                required=True,
                metavar="DIR",
                help="The folder to write.",
            ),
            click.option("--name", metavar="NAME", help="Its name. Default: made of the job's."),
            click.option(
                "--parallelism",
                type=click.IntRange(1, 32768),
                metavar="N",
                help="Subtasks of each operator. Default: as many as --slots.",
            ),
            click.option(
                "--taskmanager-memory",
                "memory",
                default="4g",
                show_default=True,
                metavar="SIZE",
                help="Of each TaskManager, its Python workers included.",
            ),
            click.option(
                "--taskmanager-cpu",
                "cpu",
                type=click.FloatRange(0, 1024, min_open=True),
                default=2.0,
                show_default=True,
                metavar="N",
                help="Processors of each TaskManager.",
            ),
            click.option(
                "--slots",
                type=click.IntRange(1, 1024),
                default=2,
                show_default=True,
                metavar="N",
                help="Subtasks of each operator that a TaskManager runs.",
            ),
            click.option(
                "--state",
                metavar="URI",
                help="A savepoint or checkpoint to begin with.",
            ),
            click.option(
                "--set",
                "given",
                multiple=True,
                metavar="KEY=VALUE",
                help="One of Flink's settings, over the job's own.",
            ),
            click.option("--input", metavar="URI", help="A job over files: what it reads."),
            click.option(
                "--output", metavar="URI", help="A job over files: the folder that it writes to."
            ),
            click.option(
                "--dead-letters", metavar="URI", help="A job over files: where failed inputs go."
            ),
            click.option(
                "--key", metavar="FIELD", help="A job over files: the field that is the key."
            ),
            click.option(
                "--follow", is_flag=True, help="A job over files: wait for more files, for ever."
            ),
            click.option(
                "--signed-by",
                "keys",
                multiple=True,
                metavar="sha256:...",
                help="The fingerprint of a key that has to have signed it. Default: the project's.",
            ),
            click.option("--force", is_flag=True, help="Replace files that were changed by hand."),
            click.option("--dry-run", is_flag=True, help="Print what would be written."),
            click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        )
    ):
        function = one(function)
    return function


@contextmanager
def bad_options() -> Iterator[None]:
    """Tells an option that is not taken as bad usage."""
    from headrace_registry.deploying import OptionError

    try:
        yield
    except OptionError as error:
        raise WrongUseError(str(error)) from error


def read_job(job: Path, keys: tuple[str, ...]) -> Subject:
    """The job of a zip, verified.

    Args:
        job: The zip.
        keys: Fingerprints of keys, one of which must have signed it.
    """
    from headrace_registry.bundle.opening import open_zip
    from headrace_registry.deploying import read_subject

    with progress("verifying") as moved:
        home = open_zip(job, keys=keys_for(keys), progress=moved)
    return read_subject(job, home)


def files_of(typed: Mapping[str, Any]) -> Files:
    """What was said of a job over files."""
    from headrace.jobs.manifest import FilesIO
    from headrace_registry.deploying import Files

    said = {name: typed[name] for name in ("input", "output", "dead_letters", "key")}
    return Files(FilesIO(**said), follow=typed["follow"])


def tell_and_write(
    folder: Folder, output: Path, *, force: bool, dry_run: bool, as_json: bool
) -> None:
    """Writes a folder, or prints it, and says what changed."""
    from headrace_registry.deploying import changes_of, write_folder

    act = changes_of if dry_run else write_folder
    changes = act(folder, output, force=force)
    if as_json:
        click.echo(json.dumps(_as_data(folder, output, changes, dry_run=dry_run), indent=2))
        return
    if dry_run:
        for name, text in sorted(_shown(folder.texts).items()):
            click.echo(f"==> {output / name} <==\n{text}")
    for one in changes:
        size = "" if one.change == "removed" else f"  ({one.size:,} bytes)"
        click.echo(f"{_SIGNS[one.change]} {output / one.path}{size}")
    if dry_run:
        click.echo("nothing was written: --dry-run", err=True)
    for note in folder.notes:
        click.echo(f"note: {note}", err=True)
    if not dry_run:
        click.echo(f"next: {output / 'README.md'} has the commands", err=True)


def _shown(texts: Mapping[str, str]) -> dict[str, str]:
    """Those that say something of this job."""
    return {name: text for name, text in texts.items() if name not in {"README.md", "unpack.py"}}


def _as_data(
    folder: Folder, output: Path, changes: tuple[Change, ...], *, dry_run: bool
) -> dict[str, Any]:
    return {
        **folder.about,
        "folder": str(output),
        "written": not dry_run,
        "files": [{"path": one.path, "change": one.change, "size": one.size} for one in changes],
        "notes": list(folder.notes),
    }
