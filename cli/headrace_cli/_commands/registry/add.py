"""``agents registry add``: looks at a registry, shows its key, and writes it down."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace_cli._commands.registry import _approving
from headrace_cli._errors import CommandError, WrongUseError

if TYPE_CHECKING:
    from headrace_registry.client import Look
    from headrace_registry.settings import RegistrySettings

__all__ = ["command"]


@click.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--key", metavar="sha256:...", help="Its fingerprint, as its keeper told you.")
@click.option("--unsigned", is_flag=True, help="Take it although it is not signed.")
@click.option("--ca", metavar="FILE", help="Authorities for its TLS, beside the usual ones.")
@click.option("--replace-key", is_flag=True, help="Trust another key than before.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show it, and write nothing.")
def command(
    name: str,
    url: str,
    key: str | None,
    unsigned: bool,  # noqa: FBT001
    ca: str | None,
    replace_key: bool,  # noqa: FBT001
    yes: bool,  # noqa: FBT001
    dry_run: bool,  # noqa: FBT001
) -> None:
    """Approve of the registry at URL, an address or a folder, as NAME.

    The fingerprint that is shown is that of its keeper's root keys. Compare it with what the keeper
    told you over another way: from here on, only what these keys signed is taken.
    """
    from dataclasses import replace

    from headrace_registry.client import look_at

    if unsigned and key:
        raise WrongUseError("--unsigned and --key are two things")
    file = _approving.project_file()
    url, ca = _from_project(url, file.parent), _from_project(ca, file.parent) if ca else None
    asked = _approving.checked(name, url, key, ca, file.parent)
    before = {one.name: one for one in _approving.settings_of(file).registries}.get(name)
    look = look_at(replace(asked, key=key), signed=not unsigned)
    _show(look)
    other = before is not None and before.key != look.registry.key
    if before is not None and other and not replace_key:
        raise _another_key(before, look.registry)
    if before == look.registry:
        click.echo(f"{name}: already in {file}")
        return
    if dry_run:
        click.echo(f"{file}: would have it as {name} (nothing was written)")
        return
    _agree(name, known=key is not None and not other, yes=yes)
    _write(file, name, url, look.registry.key, ca)
    click.echo(f"{name}: is in {file}")


def _from_project(path: str, folder: Path) -> str:
    """A path that was typed here, as it is seen from the project; an address as it is."""
    if "://" in path or path.startswith("file:"):
        return path
    if Path(path).is_absolute():
        return path
    return Path(os.path.relpath(path, folder)).as_posix()


def _show(look: Look) -> None:
    from headrace_skills._text import one_line

    registry, snapshot = look.registry, look.snapshot
    catalogue = snapshot.catalogue
    skills = sum(1 for _ in catalogue.skills())
    lines = [("registry", one_line(catalogue.title, 100)), ("address", registry.url)]
    if look.root is None:
        lines.append(("key", click.style("none: it is not signed", fg="red")))
        lines.append(("", "whoever can change its files or its server can give you other code"))
    else:
        keys = len(look.root.root_keys)
        expires = snapshot.expires
        lines.append(("key", click.style(str(registry.key), bold=True)))
        lines.append(("root keys", f"{keys}, of which {look.root.threshold} must sign"))
        lines.append(("signed until", f"{expires:%Y-%m-%d %H:%M} UTC" if expires else ""))
    packages = _approving.counted(len(catalogue.packages), "package")
    lines.append(("has", f"{packages}, {_approving.counted(skills, 'skill')}"))
    for label, text in lines:
        click.echo(f"{label + ':' if label else '':<14}{text}")


def _another_key(before: RegistrySettings, found: RegistrySettings) -> CommandError:
    return CommandError(
        f"{before.name}: it has another key than the one that this project trusts",
        where=found.url,
        why=f"trusted: {before.key or 'none (not signed)'}\nfound:   {found.key or 'none'}\n"
        "A keeper who replaces keys keeps the fingerprint. Another one is another registry, one "
        "made anew because all keys were lost, or an attack.",
        then="ask its keeper over another way; if it is right, the same with --replace-key",
    )


def _agree(name: str, *, known: bool, yes: bool) -> None:
    """Returns when the key is agreed to: it was typed, ``--yes``, or the answer to a question."""
    if known or yes:
        return
    if not sys.stdin.isatty():
        raise CommandError(
            "nothing was changed: nobody can be asked here", then="--key sha256:..., or --yes"
        )
    if not click.confirm(f"Trust this registry as {name}?"):
        raise CommandError("nothing was changed", why="it was not agreed to")


def _write(file: Path, name: str, url: str, key: str | None, ca: str | None) -> None:
    from headrace_cli._packages import held
    from headrace_registry.projects import set_registry

    with held(file.parent):
        before = _approving.read(file)
        _approving.write(file, before, set_registry(before, name, url.rstrip("/"), key, ca))
