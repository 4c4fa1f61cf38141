"""What the commands of ``agents deploy`` have in common: their options, the job, what is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headrace_cli._commands.registry._keeping import progress
from headrace_cli._commands.verify import keys_for
from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from headrace_registry.deploying import Change, Files, Folder, Options, Subject

__all__ = ["Typed", "options"]

_Options = TypeVar("_Options", bound="Options")
_COMMON = ("name", "parallelism", "memory", "cpu", "slots", "checkpoints", "secret", "state")
_IO = ("input", "output", "dead_letters", "approvals", "key", "follow")
_SIGNS = {"new": "+", "changed": "~", "same": " ", "removed": "-"}


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed of a folder, whichever system it is for."""

    job: Path
    """The zip."""
    folder: Path
    """The folder to write."""
    keys: tuple[str, ...]
    """Fingerprints of keys, one of which must have signed the zip."""
    force: bool
    """Whether files are replaced that were changed by hand."""
    dry_run: bool
    """Whether it is printed what would be written."""
    as_json: bool
    """Whether JSON is printed."""
    common: dict[str, Any]
    """The ``Options`` of all systems, those that were typed as they are."""
    given: tuple[str, ...]
    """Flink's settings."""
    io: dict[str, Any]
    """What a job over files reads and writes."""

    def write(
        self,
        kind: Callable[..., _Options],
        render: Callable[[Subject, _Options], Folder],
        **more: Any,
    ) -> None:
        """Writes the folder that ``render`` makes of the job, or prints it.

        Args:
            kind: The system's options.
            render: Makes its folder.
            more: What was typed for this system alone.
        """
        from headrace_registry.deploying import OptionError, read_settings

        common = dict(self.common)
        common["parallelism"] = common["parallelism"] or common["slots"]
        try:
            made = kind(
                **common, **more, settings=read_settings(self.given), files=_files_of(self.io)
            )
            folder = render(_read_job(self.job, self.keys), made)
        except OptionError as error:
            raise WrongUseError(str(error)) from error
        _tell_and_write(
            folder, self.folder, force=self.force, dry_run=self.dry_run, as_json=self.as_json
        )


def options(function: Callable[..., None]) -> Callable[..., None]:
    """The zip, the folder, and the options that all systems have, given as ``typed``."""

    @wraps(function)
    def command(**given: Any) -> None:
        common = {name: given.pop(name) for name in _COMMON}
        io = {name: given.pop(name) for name in _IO}
        own = {
            one.name: given.pop(one.name)
            for one in fields(Typed)
            if one.name not in {"common", "io"}
        }
        function(typed=Typed(**own, common=common, io=io), **given)

    found: Callable[..., None] = command
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
                "--approvals", metavar="URI", help="A job over files: what waits for your yes."
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
        found = one(found)
    return found


def _read_job(job: Path, keys: tuple[str, ...]) -> Subject:
    """The job of a zip, verified.

    Args:
        job: The zip.
        keys: Fingerprints of keys, one of which must have signed it.
    """
    from headrace_registry.bundle.opening import open_zip
    from headrace_registry.deploying import read_subject

    with progress("verifying") as moved:
        home = open_zip(job, keys=keys_for(keys), travels=True, progress=moved)
    return read_subject(job, home)


def _files_of(typed: Mapping[str, Any]) -> Files:
    """What was said of a job over files."""
    from headrace.jobs.manifest import FilesIO
    from headrace_registry.deploying import Files

    said = {name: typed[name] for name in ("input", "output", "dead_letters", "approvals", "key")}
    return Files(FilesIO(**said), follow=typed["follow"])


def _tell_and_write(
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
