"""``agents lock``: the exact packages of a project, for all of its targets."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from headrace_cli._errors import CommandError, WrongUseError
from headrace_cli._packages import change_data, folder_here, held, packages_of, show_changes
from headrace_cli._stamp import is_stamped, stamp

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from headrace_cli._packages import Packages
    from headrace_registry.locking import Change, Lock, LookAlike

__all__ = ["command"]

_LOCK = "pylock.toml"


@click.command("lock")
@click.option(
    "--check", is_flag=True, help="Only say whether the lock is in keeping; write nothing."
)
@click.option("--upgrade", is_flag=True, help="Let all packages move to newer versions.")
@click.option(
    "--upgrade-package",
    "packages",
    multiple=True,
    metavar="NAME",
    help="Let this package move to a newer version; may be repeated.",
)
@click.option("--allow-downgrade", is_flag=True, help="Packages may get older versions.")
@click.option("--offline", is_flag=True, help="Use no network, only what is cached.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    check: bool,  # noqa: FBT001 - click's way
    upgrade: bool,  # noqa: FBT001
    packages: tuple[str, ...],
    allow_downgrade: bool,  # noqa: FBT001
    offline: bool,  # noqa: FBT001
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Lock the project's packages in pylock.toml, with hashes, for all of its targets.

    What is locked keeps its version unless it must move. Nothing is installed: see `agents sync`.
    """
    folder = folder_here()
    if not check and not upgrade and not packages and is_stamped(folder):
        _print(folder, None, (), (), written=False, as_json=as_json)
        return
    project = packages_of(folder)
    if check:
        if upgrade or packages:
            raise WrongUseError("--check changes nothing, and --upgrade would", then="choose one")
        _check(project, as_json=as_json)
        return
    if not upgrade and not packages and _in_keeping(project):
        stamp(folder)
        _print(folder, None, (), (), written=False, as_json=as_json)
        return
    with held(project.folder):
        movable = None if upgrade else packages
        lock, changes, alike, before = _resolved(project, movable, offline=offline)
        if not as_json:
            show_changes(changes)
        if not dry_run:
            _agreed(changes, allowed=allow_downgrade, as_json=as_json)
            _write(project, lock)
            stamp(folder)
        written = not dry_run and (before is None or before.as_toml() != lock.as_toml())
        _print(folder, lock, changes, alike, written=written, as_json=as_json)


def _in_keeping(project: Packages) -> bool:
    from headrace_registry.locking import inputs_digest, recorded

    found = recorded(project.lock_file)
    return found is not None and found == inputs_digest(project.wanted)


def _check(project: Packages, *, as_json: bool) -> None:
    from headrace_registry.locking import check, read_lock

    lock = read_lock(project.lock_file)
    problems = ["there is no lock"] if lock is None else check(lock, project.wanted)
    if as_json:
        said = {"lock": str(project.lock_file), "in_keeping": not problems, "problems": problems}
        click.echo(json.dumps(said, indent=2))
        if problems:
            sys.exit(1)
    elif problems:
        raise CommandError(
            "the lock is not in keeping with the project",
            where=str(project.lock_file),
            why="\n".join(problems),
            then="agents lock",
        )
    else:
        click.echo(f"{project.lock_file.name} is in keeping with the project")


def _resolved(
    project: Packages, movable: Collection[str] | None, *, offline: bool
) -> tuple[Lock, list[Change], list[LookAlike], Lock | None]:
    from headrace_registry.locking import build_missing, compare, look_alikes, read_lock, resolve

    before = read_lock(project.lock_file)
    for name in movable or ():
        if before is not None and before.package(name) is None:
            raise WrongUseError(f"{name} is not locked", where=str(project.lock_file))
    with project.clients(offline=offline) as clients:
        wanted = project.refreshed(before, clients)
    wanted = build_missing(wanted, offline=offline, progress=_tell)
    lock = resolve(wanted, before=before, upgrade=movable, offline=offline)
    changes = compare(before, lock)
    new = [one.name for one in changes if one.kind == "added"]
    alike = [] if offline else look_alikes(lock, wanted, new)
    return lock, changes, alike, before


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _agreed(changes: Sequence[Change], *, allowed: bool, as_json: bool) -> None:
    """An older version of what the project has is a question, not a result."""
    down = [one for one in changes if one.kind == "down"]
    if allowed or not down:
        return
    told = "\n".join(f"{one.name} {one.before} -> {one.after}" for one in down)
    if not as_json and sys.stdin.isatty() and sys.stderr.isatty():
        count = "a package gets an older version" if len(down) == 1 else f"{len(down)} packages do"
        if click.confirm(f"{count}: lock it so?", err=True):
            return
        raise CommandError("nothing was changed", why="it was not agreed to")
    raise CommandError(
        "nothing was changed: packages would get older versions",
        why=told,
        then="if that is right: agents lock --allow-downgrade",
    )


def _write(project: Packages, lock: Lock) -> None:
    from headrace_registry.projects import write_files

    write_files(project.folder, {project.lock_file: lock.as_toml().encode()})


def _print(
    folder: Path,
    lock: Lock | None,
    changes: Sequence[Change],
    alike: Sequence[LookAlike],
    *,
    written: bool,
    as_json: bool,
) -> None:
    if as_json:
        said = {
            "lock": str(folder / _LOCK),
            "written": written,
            "packages": None if lock is None else len(lock.packages),
            "changes": change_data(changes),
            "look_alikes": [str(one) for one in alike],
        }
        click.echo(json.dumps(said, indent=2))
        return
    for one in alike:
        click.echo(f"note: {one}", err=True)
    if lock is None:
        click.echo(f"{_LOCK} is in keeping with the project: nothing to do")
        return
    targets = "; ".join(map(str, lock.targets))
    what = "written" if written else ("unchanged" if not changes else "not written")
    count = f"{len(lock.packages)} package{'' if len(lock.packages) == 1 else 's'}"
    click.echo(f"{_LOCK} {what}: {count} for {targets}")
