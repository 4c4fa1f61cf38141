"""``agents deploy kubernetes``: an image, a FlinkDeployment, and what belongs to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._commands.deploy._folders import options

if TYPE_CHECKING:
    from headrace_cli._commands.deploy._folders import Typed

__all__ = ["command"]


@click.command("kubernetes")
@options
@click.option("--namespace", default="default", show_default=True, metavar="NAME", help="Where.")
@click.option(
    "--image",
    metavar="IMAGE",
    help="The job's image. Default: NAME; without a tag it gets one of the job's digest.",
)
@click.option(
    "--base",
    metavar="IMAGE",
    help="An image with Flink and the job's Python. Default: made of Flink's and Python's own.",
)
@click.option(
    "--lock",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="For a zip without its engine: the project's pylock.toml.",
)
@click.option(
    "--service-account",
    default="flink",
    show_default=True,
    metavar="NAME",
    help="The account that starts TaskManagers.",
)
@click.option(
    "--checkpoints",
    metavar="URI",
    help="A folder of this job's own: s3://, gs://, abfs://..., or pvc:CLAIM. Default: a claim "
    "that is written too.",
)
@click.option(
    "--secret", metavar="NAME", help="The secret with its secrets. Default: NAME-secrets."
)
def command(typed: Typed, **more: Any) -> None:
    """Write what runs JOB.zip on Kubernetes, for Flink's operator and without it.

    DIR gets a Dockerfile with what it needs, a FlinkDeployment, a script for Flink's own
    application mode, and a README with the commands. Nothing is built or sent. Written again with
    another zip, it is the new version of the same deployment.
    """
    from headrace_registry.deploying import KubernetesOptions, kubernetes_folder

    typed.write(KubernetesOptions, kubernetes_folder, **more)
