"""``agents deploy yarn``: the lines of ``flink run`` that send a job to YARN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace_cli._commands.deploy._folders import options

if TYPE_CHECKING:
    from headrace_cli._commands.deploy._folders import Typed

__all__ = ["command"]


@click.command("yarn")
@options
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
def command(typed: Typed) -> None:
    """Write what runs JOB.zip on YARN: as an application of its own, or in a session.

    DIR gets the zip, a script for each, and a README with the commands and what the nodes need.
    Nothing is sent.
    """
    from headrace_registry.deploying import YarnOptions, yarn_folder

    typed.write(YarnOptions, yarn_folder)
