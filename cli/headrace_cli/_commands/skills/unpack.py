"""``agents skills unpack``: the folders of skills back out of a wheel or a zip."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("unpack")
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    metavar="DIR",
    help="Where the folders shall stand. Default: here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--dry-run", is_flag=True, help="Check all of it, and write nothing.")
def command(archive: Path, into: Path, as_json: bool, dry_run: bool) -> None:  # noqa: FBT001
    """Write the skills of ARCHIVE (a wheel, or a zip) to folders of their names.

    All of it is checked first: a wheel against its RECORD, and either for paths that lead out,
    names that two systems read differently, and bombs. A folder that is there is left alone.
    """
    from headrace_skills.packing import unpack

    unpacked = unpack(archive, into, dry_run=dry_run)
    if as_json:
        import json

        data = [
            {"name": one.name, "folder": str(one.folder), "files": list(one.files)}
            for one in unpacked
        ]
        click.echo(json.dumps({"skills": data}, indent=2))
        return
    for one in unpacked:
        files = f"{len(one.files)} file{'' if len(one.files) == 1 else 's'}"
        click.echo(f"{one.folder}  ({files}{', not written' if dry_run else ''})")
