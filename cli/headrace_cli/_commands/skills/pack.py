"""``agents skills pack``: folders made into a wheel that pip installs and discovery finds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from headrace_skills.packing import Archive, Packed, PackedSkill

__all__ = ["command"]

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command("pack")
@click.argument("folders", nargs=-1, required=True, type=_FOLDER)
@click.option(
    "-o",
    "output",
    type=click.Path(file_okay=False, path_type=Path),
    default="dist",
    show_default=True,
    metavar="DIR",
    help="Where to write.",
)
@click.option("--name", metavar="DIST", help="The distribution's name. Default: skill-NAME.")
@click.option("--version", metavar="V", help="Its version. Default: the skill's metadata.version.")
@click.option("--sdist", is_flag=True, help="Also make a source distribution.")
@click.option("--prefix", metavar="PREFIX", help="What stands before NAME, for skill.")
@click.option("--package", metavar="NAME", help="The import package. Default: as the distribution.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--dry-run", is_flag=True, help="Check all, say what it would be, write nothing.")
def command(
    folders: tuple[Path, ...],
    output: Path,
    as_json: bool,  # noqa: FBT001
    dry_run: bool,  # noqa: FBT001
    **options: Any,
) -> None:
    """Make a wheel of FOLDERS, a skill each; of several with --name and --version.

    The same folders give the same bytes. What editors, caches and version control leave in a
    folder stays out, and files that hold secrets by their names.
    """
    from headrace_skills.packing import pack

    packed = pack(folders, **options)
    _tell_faults(folders)
    archives = [one for one in (packed.wheel, packed.sdist) if one is not None]
    if not dry_run:
        for archive in archives:
            archive.write(output)
    if as_json:
        import json

        click.echo(json.dumps(_as_data(packed, archives, output), indent=2))
        return
    for skill in packed.skills:
        for out in skill.left_out:
            click.echo(f"{skill.name}: left out: {out.path} ({out.why})", err=True)
        for warning in skill.warnings:
            click.echo(f"{skill.name}: warning: {warning}", err=True)
    for archive in archives:
        size = f"{len(archive.data):,} bytes"
        click.echo(f"{output / archive.filename}  ({size}{', not written' if dry_run else ''})")


def _as_data(packed: Packed, archives: list[Archive], output: Path) -> dict[str, Any]:
    return {
        "distribution": packed.distribution,
        "version": packed.version,
        "package": packed.package,
        "requires": list(packed.requires),
        "archives": [
            {
                "path": str(output / one.filename),
                "size": len(one.data),
                "sha256": one.sha256,
            }
            for one in archives
        ],
        "skills": [_skill_as_data(one) for one in packed.skills],
    }


def _skill_as_data(skill: PackedSkill) -> dict[str, Any]:
    return {
        "name": skill.name,
        "digest": skill.digest,
        "files": list(skill.files),
        "left_out": [{"path": one.path, "why": one.why} for one in skill.left_out],
        "warnings": list(skill.warnings),
    }


def _tell_faults(folders: tuple[Path, ...]) -> None:
    """Says what the standard finds wrong; the skill works, or it would not have been packed."""
    from headrace_skills.checking import check_skill

    for folder in folders:
        for fault in check_skill(folder).faults:
            if fault.level == "error":
                place = f"{folder / fault.file}:{fault.line}:{fault.column}"
                click.echo(f"{place}: {fault.rule}: {fault.message}", err=True)
                click.echo(f"  mend it: {fault.mend}", err=True)
