"""``agents deploy yarn``: the lines of ``flink run`` that send a job to YARN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace_cli._commands.deploy import _folders

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["command"]


@click.command("yarn")
@_folders.options
@click.option(
    "--checkpoints",
    metavar="URI",
    help="A folder of this job's own: hdfs://, s3://... Default: hdfs:///flink/NAME.",
)
@click.option(
    "--secret",
    metavar="DIR",
    help="The folder on each node with its secrets as files. Default: /etc/headrace/secrets.",
)
def command(
    job: Path,
    folder: Path,
    name: str | None,
    parallelism: int | None,
    memory: str,
    cpu: float,
    slots: int,
    state: str | None,
    given: tuple[str, ...],
    keys: tuple[str, ...],
    force: bool,  # noqa: FBT001
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
    checkpoints: str | None,
    secret: str | None,
    **files: Any,
) -> None:
    """Write what runs JOB.zip on YARN: as an application of its own, or in a session.

    DIR gets the zip, a script for each, and a README with the commands and what the nodes need.
    Nothing is sent.
    """
    from headrace_registry.deploying import YarnOptions, read_settings, yarn_folder

    with _folders.bad_options():
        made = YarnOptions(
            name=name,
            parallelism=parallelism or slots,
            slots=slots,
            memory=memory,
            cpu=cpu,
            checkpoints=checkpoints,
            secret=secret,
            state=state,
            settings=read_settings(given),
            files=_folders.files_of(files),
        )
        written = yarn_folder(_folders.read_job(job, keys), made)
    _folders.tell_and_write(written, folder, force=force, dry_run=dry_run, as_json=as_json)
