"""``agents registry build``: wheels made into a folder that any file server serves."""

from __future__ import annotations

from pathlib import Path

import click

from headrace_cli._commands.registry import _keeping
from headrace_cli._errors import WrongUseError

__all__ = ["command"]

_PLACE = click.Path(exists=True, path_type=Path)


@click.command("build")
@click.argument("wheels", nargs=-1, type=_PLACE, metavar="WHEEL|FOLDER...")
@click.option(
    "-o",
    "site",
    type=click.Path(path_type=Path),
    required=True,
    metavar="SITE",
    help="The registry's folder; it is made if it is not there.",
)
@click.option("--title", help="What the registry is called. Default: as before.")
@click.option("--url", help="Where it will be served, for its pages. Default: as before.")
@click.option("--prune", is_flag=True, help="Take out the wheels that are not given.")
@click.option("--pages/--no-pages", default=None, help="Whether it has pages for people.")
@click.option("--anew", is_flag=True, help="Read its wheels again too, and make all pages again.")
@_keeping.keys
@_keeping.dry_run
@_keeping.json_output
def command(
    wheels: tuple[Path, ...],
    site: Path,
    title: str | None,
    url: str | None,
    prune: bool,  # noqa: FBT001
    pages: bool | None,  # noqa: FBT001
    anew: bool,  # noqa: FBT001
    keys: Path | None,
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Make a registry of wheels, or add them to one; of a folder, all wheels right in it.

    A registry is a folder of files: stock pip and uv install from it, over HTTP and as it lies
    there, and people read its pages. It is replaced whole or stays as it was. What it has stays,
    but for --prune. The same wheels give the same bytes.
    """
    from headrace_registry.site import build_site

    if prune and not wheels:
        raise WrongUseError("--prune without wheels would take out all of them")
    with _keeping.progress("reading wheels") as progress:
        report = build_site(
            _found(wheels),
            site,
            title=title,
            url=url,
            prune=prune,
            pages=pages,
            anew=anew,
            dry_run=dry_run,
            signer=_keeping.signer_of(keys),
            progress=progress,
        )
    _keeping.tell(site, report, as_json=as_json, dry_run=dry_run)


def _found(places: tuple[Path, ...]) -> list[Path]:
    found = []
    for place in places:
        if not place.is_dir():
            found.append(place)
            continue
        there = sorted(place.glob("*.whl"))
        if not there:
            raise WrongUseError(f"the folder {place} has no wheels")
        found += there
    return found
