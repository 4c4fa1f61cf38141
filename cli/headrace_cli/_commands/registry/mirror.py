"""``agents registry mirror``: chosen packages of another index, for a site without a network."""

from __future__ import annotations

from pathlib import Path

import click

from headrace_cli._commands.registry import _keeping
from headrace_cli._errors import WrongUseError

__all__ = ["command"]


@click.command("mirror")
@click.argument("source", metavar="FROM")
@click.argument("requirements", nargs=-1, required=True, metavar="REQUIREMENT...")
@click.option(
    "-o",
    "site",
    type=click.Path(path_type=Path),
    required=True,
    metavar="SITE",
    help="The registry's folder; it is made if it is not there.",
)
@click.option("--python", "pythons", multiple=True, metavar="V", help="For this Python, as 3.11.")
@click.option(
    "--platform", "platforms", multiple=True, metavar="P", help="For this machine, as linux/amd64."
)
@click.option("--no-deps", is_flag=True, help="Leave out what the requirements require.")
@click.option("--key", metavar="SHA256", help="The fingerprint of FROM, where that is a registry.")
@click.option("--title", help="What a new registry is called.")
@_keeping.keys
@_keeping.dry_run
@_keeping.json_output
def command(
    source: str,
    requirements: tuple[str, ...],
    site: Path,
    pythons: tuple[str, ...],
    platforms: tuple[str, ...],
    no_deps: bool,  # noqa: FBT001
    key: str | None,
    title: str | None,
    keys: Path | None,
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Copy wheels from FROM, with what they require and with their hashes, into a registry.

    FROM is the address of a package index or of a registry, a folder, or `index` for the package
    index that uv uses here. Give --python and --platform together, each as often as needed;
    without them it is for this machine.
    """
    from headrace_registry.settings import read_settings
    from headrace_registry.site import mirror

    if bool(pythons) != bool(platforms):
        raise WrongUseError("--python and --platform go together", then="give both")
    said = [{"python": one, "platform": on} for one in pythons for on in platforms]
    targets = read_settings({"targets": said}, Path.cwd()).targets
    with _keeping.progress("copying") as progress:
        done = mirror(
            source,
            requirements,
            site,
            targets=targets,
            dependencies=not no_deps,
            key=key,
            title=title,
            dry_run=dry_run,
            signer=_keeping.signer_of(keys),
            progress=progress,
        )
    if not as_json:
        for name, _, digest in done.wheels:
            click.echo(f"chosen   {name}  sha256:{digest}")
    wheels = [{"filename": name, "sha256": digest} for name, _, digest in done.wheels]
    _keeping.tell(site, done.report, as_json=as_json, dry_run=dry_run, chosen=wheels)
